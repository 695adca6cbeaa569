-- Runs after the migrations, also when there was none to apply: whoever creates the application's role
-- later gets its rights at the next run. The history table stays the migrator's own.

DO $$
DECLARE
  relation regclass;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'shop_app') THEN
    RETURN;
  END IF;
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO shop_app', current_schema());
  FOR relation IN
    SELECT oid FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v')
      AND relname IN ('users', 'products', 'inventory', 'sessions', 'orders', 'order_items', 'catalog')
    ORDER BY relname
  LOOP
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO shop_app', relation);
  END LOOP;
END
$$;

RESET lock_timeout;
