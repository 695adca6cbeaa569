\set product random(1, 100)
SELECT id, sku, name, description, category, price, currency, stock FROM catalog WHERE id = :product;
