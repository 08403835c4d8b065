# A machine behind a load balancer: says who it is and where a connection comes from, by the PROXY header in front of it.
# Arguments: the machine's name. /run/sick makes its health check fail.
import json, os, socket, ssl, struct, sys, threading

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/srv/cert.pem", "/srv/key.pem")
health = {}


def exactly(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def proxy_header(connection):
    head = exactly(connection, 16)
    if head[:12] != b"\r\n\r\n\0\r\nQUIT\n":
        raise ValueError("no PROXY header")
    body = exactly(connection, struct.unpack("!H", head[14:])[0])
    if head[12] == 0x20:
        return "LOCAL"
    family, size = (socket.AF_INET, 4) if head[13] == 0x11 else (socket.AF_INET6, 16)
    return socket.inet_ntop(family, body[:size])


def answer(connection, client):
    request = b""
    while b"\r\n\r\n" not in request:
        more = connection.recv(4096)
        if not more:
            return False
        request += more
    lines = request.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
    is_check = lines[0].split(" ")[1] == "/health"
    if is_check:
        health.update(client=client, host=headers.get("host"))
    status = "503 Sick" if is_check and os.path.exists("/run/sick") else "200 OK"
    body = json.dumps({"machine": sys.argv[1], "client": client, "health": health}).encode()
    connection.sendall(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body))
    return True


def https(connection):
    client = proxy_header(connection)
    with context.wrap_socket(connection, server_side=True) as secured:
        while answer(secured, client):
            pass


def tcp(connection):
    connection.sendall(f"{sys.argv[1]} {proxy_header(connection)}\n".encode())
    connection.close()


def quietly(serve, connection):
    try:
        serve(connection)
    except (EOFError, OSError, ValueError):
        connection.close()


def listen(port, serve):
    server = socket.create_server(("", port))
    while True:
        connection, _ = server.accept()
        threading.Thread(target=quietly, args=(serve, connection), daemon=True).start()


threading.Thread(target=listen, args=(50051, tcp), daemon=True).start()
listen(443, https)
