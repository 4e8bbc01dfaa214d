-- One configuration entry per customer: which service gets it, and what that service has to know.
-- Key: id. Source: the table `customers` that samples/customers/make.sh makes.
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
    '{"plan":"' || plan || '","consent":' || CASE newsletter + 2 * partner_offers
        WHEN 0 THEN '[]'
        WHEN 1 THEN '["newsletter"]'
        WHEN 2 THEN '["offers"]'
        ELSE '["newsletter","offers"]'
    END || ',"since":"' || registered || '"}' AS settings,
    balance,
    updated_at
FROM customers
ORDER BY id
