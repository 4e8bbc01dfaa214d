-- Imports the three CSV files of the current folder; "NA" means NULL there.
.bail on
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE airlines(carrier TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE airports(faa TEXT PRIMARY KEY, name TEXT NOT NULL, timezone TEXT);
CREATE TABLE flights(
    date TEXT NOT NULL,                  -- local, as are the times, which are minutes since midnight
    carrier TEXT NOT NULL,
    flight INTEGER NOT NULL,
    origin TEXT NOT NULL,
    destination TEXT NOT NULL,
    tail_number TEXT,
    scheduled_departure INTEGER NOT NULL,
    departure INTEGER,                   -- NULL: cancelled
    departure_delay INTEGER,             -- minutes; negative: early
    scheduled_arrival INTEGER NOT NULL,
    arrival INTEGER,
    arrival_delay INTEGER,               -- NULL as well when diverted
    air_time INTEGER,                    -- minutes
    distance INTEGER NOT NULL,           -- miles
    PRIMARY KEY (date, carrier, flight, origin)
) WITHOUT ROWID;

.import --csv flights.csv flights_csv
.import --csv airlines.csv airlines_csv
.import --csv airports.csv airports_csv

INSERT INTO airlines SELECT carrier, name FROM airlines_csv;
INSERT INTO airports SELECT faa, name, nullif(tzone, 'NA') FROM airports_csv;
-- A time of day is written 517 for 5:17, and 2400 for midnight.
INSERT INTO flights
SELECT
    printf('%04d-%02d-%02d', year, month, day),
    carrier,
    CAST(flight AS INTEGER),
    origin,
    dest,
    nullif(tailnum, 'NA'),
    sched_dep_time / 100 * 60 + sched_dep_time % 100,
    nullif(dep_time, 'NA') / 100 * 60 + nullif(dep_time, 'NA') % 100,
    CAST(nullif(dep_delay, 'NA') AS INTEGER),
    sched_arr_time / 100 * 60 + sched_arr_time % 100,
    nullif(arr_time, 'NA') / 100 * 60 + nullif(arr_time, 'NA') % 100,
    CAST(nullif(arr_delay, 'NA') AS INTEGER),
    CAST(nullif(air_time, 'NA') AS INTEGER),
    CAST(distance AS INTEGER)
FROM flights_csv
ORDER BY year + 0, month + 0, day + 0, carrier, flight + 0, origin;

DROP TABLE flights_csv;
DROP TABLE airlines_csv;
DROP TABLE airports_csv;
VACUUM;
