import { LISTENERS } from "../../../listeners.ts";

const FIRST_LOCAL_PORT = 10_240;
const LAST_LOCAL_PORT = 65_000;

/** Reserves the listeners' ports: while a listener restarts, an outgoing connection could take its port as a local port. */
export function renderSysctl(): string {
    const reserved = Object.values(LISTENERS)
        .flatMap((row) => ("internalPort" in row ? [row.port, row.internalPort] : [row.port]))
        .filter((port) => port >= FIRST_LOCAL_PORT && port <= LAST_LOCAL_PORT);
    return [
        "# Enough local ports for nginx's connections to LinkMesh, one for each session.",
        `net.ipv4.ip_local_port_range = ${FIRST_LOCAL_PORT} ${LAST_LOCAL_PORT}`,
        "# Outgoing connections do not take the listeners' ports while those restart.",
        `net.ipv4.ip_local_reserved_ports = ${reserved.join(",")}`,
        "",
    ].join("\n");
}
