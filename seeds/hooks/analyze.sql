-- Fresh statistics, so that the first query after the load is planned for the rows that are there.
ANALYZE products, inventory, users, sessions, orders, order_items;
