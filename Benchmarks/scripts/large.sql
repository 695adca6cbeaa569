SELECT repeat('x', 200000);
