-- The table `customers` of samples/customers/make.sql, with PostgreSQL's types.
DROP TABLE IF EXISTS customers;
CREATE TABLE customers(
    id bigint PRIMARY KEY,
    registered date NOT NULL,        -- ids rise with it
    given_name text NOT NULL,
    family_name text NOT NULL,
    nickname text,
    email text,
    language text NOT NULL,
    country text,
    plan text,
    newsletter boolean NOT NULL,
    partner_offers boolean NOT NULL,
    balance double precision,
    updated_at timestamptz NOT NULL
);
COMMENT ON TABLE customers IS 'backfill sample';
