-- The flights that left more than :minutes late, with the names of the airports (some destinations have none and keep their code).
-- Key: event_id, which differs from the key of the same flight's departure. The columns are those of flights-departures.sql.
SELECT
    date || '-' || carrier || '-' || flight || '-' || origin || '-late' AS event_id,
    'late' AS event,
    date || printf('T%02d:%02d', scheduled_departure / 60, scheduled_departure % 60) AS scheduled_at,
    airlines.name AS airline,
    carrier || ' ' || flight AS flight,
    departed.name AS origin,
    coalesce(arrived.name, destination) AS destination,
    departure_delay AS minutes_late
FROM flights
LEFT JOIN airlines USING (carrier)
LEFT JOIN airports AS departed ON departed.faa = origin
LEFT JOIN airports AS arrived ON arrived.faa = destination
WHERE departure_delay > :minutes
ORDER BY date, carrier, flights.flight, flights.origin
