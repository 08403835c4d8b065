/** LinkMesh's ports lie inside the range for outgoing connections, one of which could hold them when it restarts. */
export function renderSysctl(): string {
    return [
        "# Room for nginx's connections to LinkMesh: one local port for each session.",
        "net.ipv4.ip_local_port_range = 10240 65000",
        "# The listeners' own ports, which no outgoing connection may take meanwhile.",
        "net.ipv4.ip_local_reserved_ports = 50051,50061",
        "",
    ].join("\n");
}
