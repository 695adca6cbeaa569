-- The catalogue as a shop reads it: the price also as a number with two places, and the stock beside it.
-- A repeatable migration runs again whenever this file changes. It stands on V1 only.

CREATE OR REPLACE VIEW catalog AS
SELECT
  p.id,
  p.sku,
  p.name,
  p.description,
  p.category,
  p.price_cents,
  (p.price_cents / 100.0)::numeric(20, 2) AS price,
  p.currency,
  coalesce(i.quantity, 0) AS stock,
  p.created_at,
  p.updated_at
FROM products AS p
LEFT JOIN inventory AS i ON i.product_id = p.id
WHERE p.active;

COMMENT ON VIEW catalog IS 'Products on sale with price (cents and numeric) and stock.';
