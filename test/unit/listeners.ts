import { type Listener, listeners } from "../../components/listeners.ts";

type ListenerSettings = Parameters<typeof listeners>[0];

/** The default settings that decide about listeners, but for those given. */
export function listenerSettings(settings: Partial<ListenerSettings> = {}): ListenerSettings {
    return {
        grpc: true,
        grpcDomain: "",
        httpRedirect: true,
        httpsAllowedCidrs: [],
        grpcAllowedCidrs: [],
        tlsCertificate: "",
        acmeChallenge: "http-01",
        nodes: 1,
        ...settings,
    };
}

/** The listeners of a stack with the default settings, but for those given. */
export function listenersWith(settings: Partial<ListenerSettings> = {}): Listener[] {
    return listeners(listenerSettings(settings));
}
