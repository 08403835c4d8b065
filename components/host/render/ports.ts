import { LISTENERS } from "../../listeners.ts";

const { https, grpc } = LISTENERS;

/** The ports of the listeners as shell constants for the scripts, one a line. */
export const PORT_CONSTANTS = [
    `NGINX_PORTS="${Object.values(LISTENERS)
        .map(({ port }) => port)
        .join(" ")}"`,
    `HTTP_INTERNAL_PORT=${https.internalPort}`,
    // LinkMesh listens on the first with the program's config.yaml, and on the second with the package's.
    `GRPC_INTERNAL_PORT=${grpc.internalPort}`,
    `GRPC_DEFAULT_PORT=${grpc.port}`,
].join("\n");
