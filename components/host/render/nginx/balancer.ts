import { HEALTH_PATH } from "../../../health.ts";
import { healthAnswer } from "./health.ts";

/** There while LinkMesh is about to stop: the program `scripts/machine/drain.sh` makes it. */
const DRAINING = "/run/linkmesh-draining";

/** The networks whose PROXY header says the client's address. */
export function trust(networks: readonly string[], indent: string): string {
    return networks.map((network) => `${indent}set_real_ip_from ${network};\n`).join("");
}

/** For a server of port 80 or 443. */
export function realClient(networks: readonly string[]): string {
    return `    # The client's address comes from the PROXY header, which nginx takes from the load balancer only.
${trust(networks, "    ")}    real_ip_header proxy_protocol;
`;
}

/** At http level. */
export function balancerNetworks(networks: readonly string[]): string {
    return `
# Whether a connection comes from the load balancer.
geo $realip_remote_addr $linkmesh_balancer {
    default 0;
${networks.map((network) => `    ${network} 1;\n`).join("")}}
`;
}

/**
 * For the default server of port 443: the health URL as the load balancer asks for it, with an address in the Host header. Its
 * PROXY header has no client then. It asks only whether the machine can serve clients, because all machines may have the same
 * full disk. Only this answer fails before LinkMesh stops, because everybody else is still served.
 */
export const HEALTH_CHECK = `    location = ${HEALTH_PATH} {
        set $linkmesh_check "$linkmesh_balancer$proxy_protocol_addr";
        if ($linkmesh_check != 1) {
            return 421;
        }
        if (-e ${DRAINING}) {
            return 503;
        }
        # One every few seconds from each of the load balancer's nodes.
        access_log off;
${healthAnswer("serves")}    }
`;
