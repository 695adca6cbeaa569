"""Ends TLS in order (close_notify) before and after the login, and wants the other side's goodbye.

DATABASE_URL names a server or a pool that speaks TLS.
"""
import os
import socket
import ssl
import struct

import psycopg

target = psycopg.conninfo.conninfo_to_dict(os.environ["DATABASE_URL"])


def encrypted():
    plain = socket.create_connection((target["host"], int(target.get("port", 5432))), timeout=20)
    plain.sendall(struct.pack("!II", 8, 80877103))
    assert plain.recv(1) == b"S"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.suppress_ragged_eofs = False
    return context.wrap_socket(plain, suppress_ragged_eofs=False)


# Before the startup packet. A side that only closes makes unwrap() raise.
encrypted().unwrap().close()

# In the middle of the login.
connection = encrypted()
packet = b"user\0" + target["user"].encode() + b"\0database\0" + target["dbname"].encode() + b"\0\0"
connection.sendall(struct.pack("!II", len(packet) + 8, 196608) + packet)
assert connection.recv(1) == b"R"
while connection.pending():
    connection.recv(4096)
connection.unwrap().close()
