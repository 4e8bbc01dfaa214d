-- Every flight that was to leave New York in 2013, as an event: it departed, or it was cancelled.
-- Key: event_id. Source: the tables that samples/flights/fetch.sh makes. The columns are those of flights-delays.sql.
SELECT
    date || '-' || carrier || '-' || flight || '-' || origin AS event_id,
    iif(departure IS NULL, 'cancelled', 'departed') AS event,
    date || printf('T%02d:%02d', scheduled_departure / 60, scheduled_departure % 60) AS scheduled_at,
    airlines.name AS airline,
    carrier || ' ' || flight AS flight,
    origin,
    destination,
    departure_delay AS minutes_late
FROM flights
LEFT JOIN airlines USING (carrier)
ORDER BY date, carrier, flights.flight, flights.origin
