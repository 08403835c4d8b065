import type { Balancer, HostContext } from "../../components/host/context.ts";
import { nginx, proxy } from "../../components/host/nginx.ts";
import { renderStep } from "../../components/host/render/step.ts";
import { parseSettings } from "../../components/settings/load.ts";
import { DOMAIN } from "../rig/certificate.ts";

/** Sessions that a worker takes on average, so that the one with the most stays below 20,000 descriptors. */
const SESSIONS_PER_WORKER = 6000;

const settingsFor = (sessions: number) =>
    parseSettings({
        domain: DOMAIN,
        sshAllowedCidrs: ["198.51.100.7/32"],
        linkmeshDebUrl: "https://packages.example.com/linkmesh-server.deb",
        linkmeshDebSha256: "0".repeat(64),
        acmeDirectory: "production",
        collectorsExpected: sessions,
    });

/** This program's own steps for nginx, as `pulumi up` runs them on a machine whose certificate is there. */
export const thisProgram = {
    files: {},
    /** What certbot's hook does. */
    renewed: "systemctl start linkmesh-proxy-certificate.service",
    /** As `pulumi up` after the setting `collectorsExpected` has changed. */
    change: (sessions: number, number: number) => thisProgram.configure(sessions + number),
    /** Behind a load balancer as one of several machines, or alone. */
    configure: (sessions: number, balancer?: Balancer): string => {
        const settings = settingsFor(sessions);
        // The steps for nginx read nothing else of their context.
        const context = { settings, host: { ipv6: undefined }, balancer } as HostContext;
        const steps = { nginx: nginx(context), proxy: proxy(context) };
        const scripts = Object.entries(steps).map(([name, { variables, files }]) => {
            // Without resources there are no outputs: all of them are text.
            const text = renderStep({ name, variables, files } as Parameters<typeof renderStep>[0]);
            return `bash -s <<'END_OF_STEP'\n${text}END_OF_STEP\n`;
        });
        return `set -e\n${workers(sessions)}\n${scripts.join("")}`;
    },
};

/** Debian's nginx has a worker for each CPU. Beyond what two of them can hold here, there are more. */
function workers(sessions: number): string {
    const count = sessions > 2 * SESSIONS_PER_WORKER ? String(Math.ceil(sessions / SESSIONS_PER_WORKER)) : "auto";
    return `sed -i 's/^worker_processes .*;/worker_processes ${count};/' /etc/nginx/nginx.conf`;
}
