import type { Authority } from "./authority.ts";
import type { Collectors } from "./collectors.ts";
import type { ConfigStore } from "./config-store.ts";
import type { Config } from "./config.ts";
import type { Trusted } from "./forwarded.ts";

/** The state that the listeners share. */
export interface Server {
    config: Config;
    trusted: Trusted;
    authority: Authority;
    collectors: Collectors;
    configStore: ConfigStore;
    sessions: Sessions;
}

/** Open sessions by transport. */
export interface Sessions {
    opamp: number;
    /** WebSockets of agents. */
    agent: number;
    grpc: number;
}
