# Prints the status of this machine's answer to the load balancer's health check: over the port of clients, with a PROXY
# header without a client, and with an address in the Host header. Prints nothing if there is no answer.
# Arguments: the machine's address, the path.
import http.client
import socket
import ssl
import sys

address, path = sys.argv[1:]
context = ssl.create_default_context()
# As the load balancer, which does not check the certificate.
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
try:
    raw = socket.create_connection((address, 443), timeout=10)
    raw.sendall(b"PROXY UNKNOWN\r\n")
    connection = http.client.HTTPSConnection(address, 443)
    connection.sock = context.wrap_socket(raw)
    connection.request("GET", path)
    print(connection.getresponse().status)
except (OSError, http.client.HTTPException):
    pass
