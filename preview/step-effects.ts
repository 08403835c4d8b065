import type { Effect } from "../components/settings/schema/setting.ts";

/**
 * What a step's script does on a machine that works when one of its inputs differs, as the scripts in
 * `components/host/scripts` have it. A test refuses an input that is listed nowhere, so a new one
 * has to be added here.
 */
export const STEP_EFFECTS: Readonly<Record<string, Readonly<Record<string, readonly Effect[]>>>> = {
    ready: {},
    volume: {
        ...{ DEVICE: [], SIZE: [], OWNER: [], DOMAIN: [] },
        // A directory that holds data is moved to the volume while LinkMesh stands still.
        DIRECTORIES: ["LinkMesh restarts"],
    },
    upkeep: { METRICS: [], AGENT: [] },
    nginx: {
        ...{ MACHINE_PACKAGES: [], HTTP2_PER_NAME: [], OPEN_FILES: [], "sysctl.conf": [] },
        // Until there is a certificate; from then on the step proxy serves port 80.
        ...{ REVISION: [], "http-redirect.conf": [], listeners: [] },
        WORKER_CONNECTIONS: ["nginx reloads"],
    },
    reachable: { ZONE: [], NAME_SERVERS: [], NAMES: [], ADDRESSES: [], PROBE: [], PATIENCE: [], records: [] },
    "own-certificate": {
        DOMAIN: [],
        "fullchain.pem": ["new certificate", "nginx reloads"],
        "privkey.pem": ["new certificate", "nginx reloads"],
    },
    certificate: {
        ...{ EMAIL: [], DNS_AUTHENTICATORS: [], WEEKLY_LIMIT: [], "ca.pem": [], "eab.ini": [] },
        NAMES: ["new certificate", "nginx reloads"],
        LINEAGE: ["new certificate", "nginx reloads"],
        DIRECTORY: ["new certificate", "nginx reloads"],
        AUTHENTICATOR: ["new certificate", "nginx reloads"],
    },
    node: { DOMAIN: [], OWNER: [], DRAIN_SECONDS: [], "drain.sh": [] },
    package: { NAME: [], "deb-url": [], "apt-source": [], "apt-auth": [], "apt-key.asc": [] },
    files: { DOMAIN: [], GRPC_NAME: [], entries: ["LinkMesh restarts"] },
    "first-start": { ENVIRONMENT_FILE: [], entries: [] },
    install: { DOMAIN: [], DIRECTORIES: [], NAME: ["LinkMesh restarts"], ENVIRONMENT_FILE: ["LinkMesh restarts"] },
    environment: { DOMAIN: [], GRPC_NAME: [], ENVIRONMENT_FILE: [], entries: ["LinkMesh restarts"] },
    "grpc-certificate": { DOMAIN: [], NAME: ["LinkMesh restarts"] },
    config: {
        ...{ DOMAIN: [], GRPC_NAME: [], "merge_config.py": [], "config.yaml": ["LinkMesh restarts"] },
        // If a name is gone. For a new one, the step files has restarted LinkMesh.
        FILE_NAMES: ["LinkMesh restarts"],
    },
    proxy: {
        DOMAIN: [],
        CERTIFICATE: ["nginx reloads"],
        REVISION: ["nginx reloads"],
        // The revision includes all of them.
        ...{ "http-redirect.conf": [], "http-linkmesh.conf": [], "main-stream.conf": [], "tls.inc": [], listeners: [] },
        ...{ "serve-certificate.sh": [], "health.sh": [], GRPC: [] },
    },
    verify: {
        ...{ DOMAIN: [], UI_DOMAIN: [], GRPC_HOST: [], GRPC_PORT: [], REDIRECT: [], LOOPBACK: [] },
        ...{ LINKMESH: [], HEALTH_PATH: [] },
    },
    "session-manager": { URL: [], SHA256: [] },
    metrics: { REGION: [], NAMESPACE: [], STACK: [], "push-metrics.sh": [] },
    "in-service": { HEALTH_PATH: [], DRAIN_SECONDS: [], BEFORE: [], "ask_as_balancer.py": [] },
};
