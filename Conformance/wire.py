"""PostgreSQL's protocol in raw messages, for what no driver would send. Only Python's own library is used."""

import base64
import hashlib
import hmac
import os
import socket
import struct
import time


def message(kind, body=b""):
    """One message with its length; `kind` is one letter, or "" for the messages of startup."""
    return kind.encode() + struct.pack("!i", len(body) + 4) + body


def text(value):
    return value.encode() + b"\0"


def query(sql):
    return message("Q", text(sql))


def parse(name, sql, types=()):
    return message("P", text(name) + text(sql) + struct.pack("!h", len(types)) + b"".join(struct.pack("!I", t) for t in types))


def bind(portal, statement, values=(), formats=(), results=()):
    """Values are text, bytes or None for NULL."""
    body = text(portal) + text(statement)
    body += struct.pack("!H", len(formats)) + b"".join(struct.pack("!h", f) for f in formats)
    body += struct.pack("!H", len(values))
    for value in values:
        if value is None:
            body += struct.pack("!i", -1)
        else:
            value = value.encode() if isinstance(value, str) else value
            body += struct.pack("!i", len(value)) + value
    return message("B", body + struct.pack("!H", len(results)) + b"".join(struct.pack("!h", f) for f in results))


def describe(kind, name=""):
    return message("D", kind.encode() + text(name))


def close(kind, name=""):
    return message("C", kind.encode() + text(name))


def execute(portal="", rows=0):
    return message("E", text(portal) + struct.pack("!i", rows))


SYNC, FLUSH, TERMINATE, COPY_DONE = message("S"), message("H"), message("X"), message("c")


def startup(parameters, version=196608):
    pairs = b"".join(text(name) + text(value) for name, value in parameters)
    return message("", struct.pack("!i", version) + pairs + b"\0")


def fields(body):
    """The fields of an ErrorResponse or NoticeResponse, by letter."""
    return {part[:1].decode(): part[1:].decode(errors="replace") for part in body.split(b"\0") if part}


class Closed(Exception):
    """The server has closed the connection."""


class Connection:
    """A connection whose messages are sent and read one by one."""

    def __init__(self, host, port, timeout=30):
        self.socket = socket.create_connection((host, int(port)), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.key = None
        self.parameters = {}

    @classmethod
    def login(cls, host, port, user, password, database, timeout=30, **parameters):
        self = cls(host, port, timeout)
        self.send(startup([("user", user), ("database", database), *parameters.items()]))
        self.authenticate(user, password)
        return self

    def send(self, *parts):
        self.socket.sendall(b"".join(parts))

    def fill(self, size):
        while len(self.buffer) < size:
            try:
                part = self.socket.recv(1 << 16)
            except ConnectionError as error:
                raise Closed() from error
            if not part:
                raise Closed()
            self.buffer += part

    def read(self):
        """One message: its letter and its body."""
        self.fill(5)
        size = struct.unpack("!i", self.buffer[1:5])[0]
        self.fill(size + 1)
        kind, body = self.buffer[:1].decode("latin-1"), self.buffer[5:size + 1]
        self.buffer = self.buffer[size + 1:]
        return kind, body

    def pending(self, seconds):
        """Whether anything comes within that time."""
        if self.buffer:
            return True
        self.socket.settimeout(seconds)
        try:
            part = self.socket.recv(1 << 16)
            if not part:
                raise Closed()
            self.buffer += part
            return True
        except (TimeoutError, BlockingIOError):
            return False
        except ConnectionError as error:
            raise Closed() from error
        finally:
            self.socket.settimeout(30)

    def until(self, *kinds):
        """All messages up to the first of these kinds."""
        messages = []
        while not messages or messages[-1][0] not in kinds:
            messages.append(self.read())
        return messages

    def authenticate(self, user, password):
        scram = None
        while True:
            kind, body = self.read()
            if kind == "E":
                raise RuntimeError(str(fields(body)))
            if kind == "S":
                name, value = body.split(b"\0")[:2]
                self.parameters[name.decode()] = value.decode()
            if kind == "K":
                self.key = struct.unpack("!i", body[:4])[0], body[4:]
            if kind == "Z":
                return
            if kind != "R":
                continue
            method = struct.unpack("!i", body[:4])[0]
            if method == 10:
                scram = Scram(password)
                self.send(message("p", text("SCRAM-SHA-256") + struct.pack("!i", len(scram.first)) + scram.first))
            elif method == 11:
                self.send(message("p", scram.final(body[4:])))
            elif method == 3:
                self.send(message("p", text(password)))
            elif method == 5:
                inner = hashlib.md5((password + user).encode()).hexdigest()
                self.send(message("p", text("md5" + hashlib.md5(inner.encode() + body[4:]).hexdigest())))

    def run(self, *parts):
        """Sends messages that end in one ReadyForQuery, and reads up to it."""
        self.send(*parts)
        return self.until("Z")

    def close(self):
        self.socket.close()


class Scram:
    """SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677)."""

    def __init__(self, password):
        self.password = password
        self.bare = "n=,r=" + base64.b64encode(os.urandom(18)).decode()
        self.first = ("n,," + self.bare).encode()

    def final(self, challenge):
        parts = dict(part.split("=", 1) for part in challenge.decode().split(","))
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), base64.b64decode(parts["s"]), int(parts["i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        bare = "c=biws,r=" + parts["r"]
        whole = f"{self.bare},{challenge.decode()},{bare}".encode()
        signature = hmac.digest(hashlib.sha256(key).digest(), whole, "sha256")
        proof = bytes(a ^ b for a, b in zip(key, signature))
        return f"{bare},p={base64.b64encode(proof).decode()}".encode()


def cancel(host, port, key):
    """Sends a CancelRequest and waits until the other side has closed."""
    connection = Connection(host, port)
    connection.send(message("", struct.pack("!ii", 80877102, key[0]) + key[1]))
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            connection.fill(1)
        except Closed:
            break
    connection.close()
