import { type Listener, listeners } from "../../components/listeners.ts";

/** The listeners of a stack with the default settings, but for those given. */
export function listenersWith(settings: Partial<Parameters<typeof listeners>[0]> = {}): Listener[] {
    return listeners({
        grpc: true,
        grpcDomain: "",
        httpRedirect: true,
        httpsAllowedCidrs: [],
        grpcAllowedCidrs: [],
        tlsCertificate: "",
        acmeChallenge: "http-01",
        ...settings,
    });
}
