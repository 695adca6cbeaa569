-- The whole checkout in one statement: one round trip, one transaction, so a transaction pooler keeps a
-- backend for it no longer than the work takes.
--
--   SELECT * FROM checkout('token', '[{"product_id": 7, "quantity": 2}]', 'key-of-this-attempt');
--
-- Refusals have a SQLSTATE of their own; "SH" lies outside the classes that the SQL standard reserves.
--   SH401  the session is unknown or has expired
--   SH404  a product is unknown or not on sale
--   SH409  not enough stock
--   SH422  the items are malformed, or the key was used before for something else
--
-- The key makes a retry safe. Whoever comes second waits for the first at the unique index: if the first
-- commits, the second gets the first one's answer, flagged as replayed; if it rolls back, the second goes on.
--
-- Stock is taken in the order of product ids by everybody, so two checkouts never wait for each other
-- in a circle. The order is written with its final total, before any stock is locked: the hot rows of
-- inventory stay locked only from the update to the commit.

CREATE OR REPLACE FUNCTION checkout(token text, items jsonb, idempotency_key text)
RETURNS TABLE (order_id bigint, total_cents bigint, currency text, replayed boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  most_lines    constant integer := 100;
  most_quantity constant integer := 10000;
  buyer       bigint;
  wanted      bigint[];   -- product ids, ascending; the next two go with them
  quantities  integer[];
  prices      bigint[];
  missing     bigint;
  coins       text;
  other_coins text;
  new_order   bigint;
  line        integer;
  earlier            record;
  earlier_wanted     bigint[];
  earlier_quantities integer[];
BEGIN
  IF checkout.idempotency_key IS NULL OR checkout.idempotency_key = '' THEN
    RAISE EXCEPTION 'a checkout needs an idempotency key' USING ERRCODE = 'SH422';
  END IF;

  SELECT s.user_id INTO buyer FROM sessions AS s
  WHERE s.token = checkout.token AND s.expires_at > now();
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the session is unknown or has expired' USING ERRCODE = 'SH401';
  END IF;

  IF jsonb_typeof(checkout.items) IS DISTINCT FROM 'array'
    OR jsonb_array_length(checkout.items) NOT BETWEEN 1 AND most_lines THEN
    RAISE EXCEPTION 'items must be an array of 1 to % lines', most_lines USING ERRCODE = 'SH422';
  END IF;
  -- CASE, since AND does not promise to look at the type before it casts.
  IF EXISTS (
    SELECT FROM jsonb_array_elements(checkout.items) AS item (body)
    WHERE CASE
      WHEN jsonb_typeof(body -> 'product_id') IS DISTINCT FROM 'number'
        OR jsonb_typeof(body -> 'quantity') IS DISTINCT FROM 'number' THEN true
      ELSE (body ->> 'product_id')::numeric NOT BETWEEN 1 AND 9223372036854775807
        OR (body ->> 'product_id')::numeric % 1 <> 0
        OR (body ->> 'quantity')::numeric NOT BETWEEN 1 AND most_quantity
        OR (body ->> 'quantity')::numeric % 1 <> 0
    END
  ) THEN
    RAISE EXCEPTION 'each item needs a product_id and a quantity from 1 to %', most_quantity
      USING ERRCODE = 'SH422';
  END IF;

  -- A product named twice is one line with the sum.
  SELECT array_agg(lines.id ORDER BY lines.id), array_agg(lines.quantity ORDER BY lines.id)
  INTO wanted, quantities
  FROM (
    SELECT
      (body ->> 'product_id')::numeric::bigint AS id,
      sum((body ->> 'quantity')::numeric)::integer AS quantity
    FROM jsonb_array_elements(checkout.items) AS item (body)
    GROUP BY 1
  ) AS lines;

  SELECT
    min(w.id) FILTER (WHERE p.id IS NULL), array_agg(p.price_cents ORDER BY w.id),
    min(p.currency), max(p.currency)
  INTO missing, prices, coins, other_coins
  FROM unnest(wanted) AS w (id) LEFT JOIN products AS p ON p.id = w.id AND p.active;

  IF missing IS NOT NULL THEN
    -- A retry of an order that was taken still gets its answer when a product has left the shop since.
    IF NOT EXISTS (SELECT FROM orders AS o WHERE o.idempotency_key = checkout.idempotency_key) THEN
      RAISE EXCEPTION 'product % is unknown or not on sale', missing USING ERRCODE = 'SH404';
    END IF;
  ELSIF coins <> other_coins THEN
    RAISE EXCEPTION 'the items of one order must have one currency' USING ERRCODE = 'SH422';
  ELSE
    INSERT INTO orders (user_id, session_token, idempotency_key, currency, total_cents)
    SELECT buyer, checkout.token, checkout.idempotency_key, coins, sum(w.quantity * w.price)
    FROM unnest(quantities, prices) AS w (quantity, price)
    ON CONFLICT (idempotency_key) DO NOTHING
    RETURNING id INTO new_order;
  END IF;

  IF new_order IS NULL THEN
    SELECT o.id, o.user_id, o.total_cents, o.currency INTO earlier
    FROM orders AS o WHERE o.idempotency_key = checkout.idempotency_key;
    SELECT array_agg(i.product_id ORDER BY i.product_id), array_agg(i.quantity ORDER BY i.product_id)
    INTO earlier_wanted, earlier_quantities
    FROM order_items AS i WHERE i.order_id = earlier.id;
    IF earlier.user_id IS DISTINCT FROM buyer
      OR earlier_wanted IS DISTINCT FROM wanted OR earlier_quantities IS DISTINCT FROM quantities THEN
      RAISE EXCEPTION 'the idempotency key was used before for something else' USING ERRCODE = 'SH422';
    END IF;
    RETURN QUERY SELECT earlier.id, earlier.total_cents, earlier.currency, true;
    RETURN;
  END IF;

  FOR line IN 1 .. cardinality(wanted) LOOP
    -- The condition is looked at again after a wait for the row, so stock cannot be sold twice.
    UPDATE inventory SET quantity = quantity - quantities[line]
    WHERE product_id = wanted[line] AND quantity >= quantities[line];
    IF NOT FOUND THEN
      RAISE EXCEPTION 'not enough stock of product %', wanted[line] USING ERRCODE = 'SH409';
    END IF;
  END LOOP;

  INSERT INTO order_items (order_id, product_id, quantity, unit_price_cents)
  SELECT new_order, w.id, w.quantity, w.price
  FROM unnest(wanted, quantities, prices) AS w (id, quantity, price);

  RETURN QUERY SELECT o.id, o.total_cents, o.currency, false FROM orders AS o WHERE o.id = new_order;
END
$$;

COMMENT ON FUNCTION checkout(text, jsonb, text) IS
  'Places an order in one statement; refuses with SQLSTATE SH401, SH404, SH409 or SH422.';
