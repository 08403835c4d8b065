/** Local ports for one upstream address. The range of {@link renderSysctl} has more. */
const SESSIONS_PER_ADDRESS = 28_000;
/** nginx starts a worker for each CPU, and the usual instance types have at least two. */
const WORKERS = 2;

/** Limits that follow from the number of collectors. */
export type NginxSizes = ReturnType<typeof nginxSizes>;

/**
 * Each session takes two connections and two open files of a worker, or four if https and gRPC share a port. The factor 1.5
 * allows for workers with more sessions than others.
 */
export function nginxSizes(collectors: number, shared = false) {
    const perWorker = Math.ceil(((shared ? 4 : 2) * collectors * 1.5) / WORKERS);
    const workerConnections = Math.max(4096, 2 ** Math.ceil(Math.log2(perWorker)));
    return {
        workerConnections,
        openFiles: Math.max(65_536, 2 * workerConnections),
    };
}

/** Loopback addresses of LinkMesh, enough that there is a local port for each session. */
export function loopbackAddresses(collectors: number): string[] {
    return Array.from({ length: Math.ceil(collectors / SESSIONS_PER_ADDRESS) }, (_, i) => `127.0.0.${i + 1}`);
}
