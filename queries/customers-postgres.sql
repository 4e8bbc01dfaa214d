-- The entries of customers.sql, asked of PostgreSQL: one per customer, which service gets it, and what that service has to know.
-- Key: id. Source: the table `customers` that samples/postgres/make.sh makes.
SELECT
    id,
    CASE
        WHEN plan = 'business' THEN 'invoicing'
        WHEN plan = 'premium' THEN 'loyalty'
        WHEN newsletter OR partner_offers THEN 'newsletter'
        ELSE 'profile'
    END AS service,
    coalesce(nickname, given_name || ' ' || family_name) AS display_name,
    language || '-' || country AS locale,
    -- Put together by hand: plan and registered hold nothing that JSON would have to escape.
    '{"plan":"' || plan || '","consent":' || CASE newsletter::integer + 2 * partner_offers::integer
        WHEN 0 THEN '[]'
        WHEN 1 THEN '["newsletter"]'
        WHEN 2 THEN '["offers"]'
        ELSE '["newsletter","offers"]'
    END || ',"since":"' || to_char(registered, 'YYYY-MM-DD') || '"}' AS settings,
    balance,
    updated_at
FROM customers
ORDER BY id
