SELECT id, name, category, price_cents, currency FROM products WHERE active ORDER BY created_at DESC, id DESC LIMIT 100;
