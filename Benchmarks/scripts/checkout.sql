\set product random(1, 100)
\set session random(1, 1000)
\set attempt random(1, 1000000000000000)
BEGIN;
SELECT order_id, total_cents, currency, replayed FROM checkout('bench-' || :session::text, json_build_array(json_build_object('product_id', :product::bigint, 'quantity', 1))::jsonb, 'bench-' || :client_id::text || '-' || :attempt::text);
COMMIT;
