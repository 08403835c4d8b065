import { LISTENERS } from "../../../listeners.ts";

const FIRST_LOCAL_PORT = 10_240;
const LAST_LOCAL_PORT = 65_000;

/** An outgoing connection could hold a listener's port when it restarts, if the port lies in the range for those. */
export function renderSysctl(): string {
    const reserved = Object.values(LISTENERS)
        .flatMap((row) => ("internalPort" in row ? [row.port, row.internalPort] : [row.port]))
        .filter((port) => port >= FIRST_LOCAL_PORT && port <= LAST_LOCAL_PORT);
    return [
        "# Room for nginx's connections to LinkMesh: one local port for each session.",
        `net.ipv4.ip_local_port_range = ${FIRST_LOCAL_PORT} ${LAST_LOCAL_PORT}`,
        "# The listeners' own ports, which no outgoing connection may take meanwhile.",
        `net.ipv4.ip_local_reserved_ports = ${reserved.join(",")}`,
        "",
    ].join("\n");
}
