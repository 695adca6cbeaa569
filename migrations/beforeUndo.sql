-- As beforeMigrate: better to give up after five seconds than to stop the shop.

SET lock_timeout = '5s';
