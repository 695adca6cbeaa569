"""A small client that speaks PostgreSQL's protocol: thousands of them fit into one process, which libpq's do not.

Source: PostgreSQL manual, "Message Flow" and "SASL Authentication".
"""
import base64
import functools
import hashlib
import hmac
import os
import socket
import ssl
import struct

# ReadyForQuery outside a transaction. What is asked for here never looks like it.
READY = b"Z\x00\x00\x00\x05I"
SSL_REQUEST = struct.pack("!ii", 8, 80877103)


@functools.cache
def salted(password, salt, rounds):
    """The slow part of SCRAM, once for all clients of a user."""
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)


def tls_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Client:
    def __init__(self, host, port, user, password, database, tls=None, session=None):
        """`tls`: a context; `session`: that of an earlier client, to be resumed."""
        self.socket = socket.create_connection((host, port), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket.sendall(SSL_REQUEST)
            if self.socket.recv(1) != b"S":
                raise RuntimeError("the server takes no TLS")
            self.socket = tls.wrap_socket(self.socket, session=session)
        startup = b"user\0" + user.encode() + b"\0database\0" + database.encode() + b"\0\0"
        self.socket.sendall(struct.pack("!ii", len(startup) + 8, 196608) + startup)
        self.log_in(password)

    def close(self):
        try:
            self.socket.sendall(b"X\0\0\0\4")
        except OSError:
            pass
        self.socket.close()

    # --- Messages ---

    def exactly(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise RuntimeError("the connection was closed")
            data += more
        return data

    def message(self):
        tag, length = struct.unpack("!ci", self.exactly(5))
        body = self.exactly(length - 4)
        if tag == b"E":
            fields = {part[:1]: part[1:].decode(errors="replace") for part in body.split(b"\0") if part}
            raise RuntimeError(fields.get(b"M", "an error without a message"))
        return tag, body

    def log_in(self, password):
        first = b"n=,r=" + base64.b64encode(os.urandom(18))
        keys = None
        while True:
            tag, body = self.message()
            if tag == b"Z":
                return
            if tag != b"R":
                continue
            kind = struct.unpack("!i", body[:4])[0]
            if kind == 10:
                answer = b"n,," + first
                self.password(b"SCRAM-SHA-256\0" + struct.pack("!i", len(answer)) + answer)
            elif kind == 11:
                values = dict(part.split(b"=", 1) for part in body[4:].split(b","))
                keys = salted(password, base64.b64decode(values[b"s"]), int(values[b"i"]))
                last = b"c=biws,r=" + values[b"r"]
                client = hmac.digest(keys, b"Client Key", "sha256")
                signature = hmac.digest(hashlib.sha256(client).digest(), b",".join((first, body[4:], last)), "sha256")
                proof = bytes(a ^ b for a, b in zip(client, signature))
                self.password(last + b",p=" + base64.b64encode(proof))
            elif kind not in (0, 12):
                raise RuntimeError(f"authentication {kind} is asked for, SCRAM-SHA-256 was expected")

    def password(self, data):
        self.socket.sendall(b"p" + struct.pack("!i", len(data) + 4) + data)

    # --- Queries ---

    def send(self, sql):
        data = sql.encode() + b"\0"
        self.socket.sendall(b"Q" + struct.pack("!i", len(data) + 4) + data)

    def query(self, sql):
        """Asks and waits; the answer is read as messages, so that an error is one."""
        self.send(sql)
        while self.message()[0] != b"Z":
            pass

    def stream(self, sql):
        """Asks and throws the answer away; bytes received."""
        self.send(sql)
        buffer = bytearray(1 << 20)
        view = memoryview(buffer)
        total, tail = 0, b""
        while not tail.endswith(READY):
            count = self.socket.recv_into(view)
            if count == 0:
                raise RuntimeError("the connection was closed")
            if total == 0 and buffer[:1] == b"E":
                raise RuntimeError(buffer[:count].decode(errors="replace"))
            total += count
            tail = (tail + bytes(view[max(0, count - 6):count]))[-6:]
        return total

    def copy_in(self, sql, row, count):
        """Sends `count` rows by COPY, each a message; bytes sent."""
        self.send(sql)
        while self.message()[0] != b"G":
            pass
        one = b"d" + struct.pack("!i", len(row) + 4) + row
        together = max(1, (1 << 17) // len(one))
        chunk = one * together
        for _ in range(count // together):
            self.socket.sendall(chunk)
        self.socket.sendall(one * (count % together) + b"c\0\0\0\4")
        while self.message()[0] != b"Z":
            pass
        return len(one) * count
