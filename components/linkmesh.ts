import * as pulumi from "@pulumi/pulumi";
import type { Checks } from "./checks.ts";
import type { DnsRecord } from "./cloud/dns/provider.ts";
import { lookUp } from "./cloud/lookups/lookups.ts";
import { parseSettings } from "./settings/load.ts";
import type { LinkMeshArgs } from "./linkmesh-args.ts";
import { LinkMeshProxy } from "./linkmesh-proxy.ts";
import type { Outputs } from "./outputs.ts";
import type { Settings } from "./settings/settings.ts";

/** The LinkMeshProxy inside each component. Not a field, because the schema's analyzer takes every field for an output. */
const proxies = new WeakMap<LinkMesh, Promise<LinkMeshProxy>>();

/**
 * LinkMesh behind its public hostname, for programs in any language of Pulumi. Validates the settings, does the lookups and
 * creates a LinkMeshProxy. Args and outputs have only types that a package schema can hold.
 */
export class LinkMesh extends pulumi.ComponentResource {
    /** Where browsers reach LinkMesh. */
    readonly publicUrl: pulumi.Output<string>;
    /** Where browsers reach the web UI with HTTP/2, if uiDomain is set. */
    readonly uiUrl: pulumi.Output<string | undefined>;
    /** Redirects to publicUrl, unless port 80 is closed. */
    readonly httpUrl: pulumi.Output<string | undefined>;
    /** Where collectors report, over OpAMP. */
    readonly opampUrl: pulumi.Output<string>;
    /** Answers 200 only if LinkMesh, the certificate, its renewal and the disks are well, for any monitoring system. */
    readonly healthUrl: pulumi.Output<string>;
    /** Where linkmesh-agent connects, as host and port, unless gRPC is off. */
    readonly grpcEndpoint: pulumi.Output<string | undefined>;
    /** "acme", "aws" (Certificate Manager) with several nodes, or "own" if tlsCertificate is set. */
    readonly certificateSource: pulumi.Output<string>;
    /** The machine's IPv4 address, which outlives the machine. With several nodes, the load balancer's in the first zone. */
    readonly ipv4: pulumi.Output<string>;
    /** The machine's IPv6 address, which outlives the machine, or the load balancer's. None in a subnet without IPv6. */
    readonly ipv6: pulumi.Output<string | undefined>;
    /** With several nodes, the load balancer's IPv4 addresses, one in each zone. */
    readonly ipv4Addresses: pulumi.Output<string[] | undefined>;
    /** With several nodes, the load balancer's IPv6 addresses, if it has some. */
    readonly ipv6Addresses: pulumi.Output<string[] | undefined>;
    /** The command to log in on the machine, or on the first of several nodes. Empty while several nodes are paused. */
    readonly sshCommand: pulumi.Output<string>;
    /** With several nodes, the command to log in on each, in order. */
    readonly sshCommands: pulumi.Output<string[] | undefined>;
    /** The command to log in by Session Manager, if it is on and the machine is not paused. Another machine has another one. */
    readonly sessionCommand: pulumi.Output<string | undefined>;
    /** With several nodes, the command to log in by Session Manager on each, in order, if it is on. */
    readonly sessionCommands: pulumi.Output<string[] | undefined>;
    /** The generated private key of the login, unless sshPublicKey is set. A secret. */
    readonly sshPrivateKey: pulumi.Output<string | undefined>;
    /** The machine's host key, as known_hosts and ssh-keyscan show it. */
    readonly sshHostKey: pulumi.Output<string>;
    /** The records that are published, or with dns=external the records to publish. */
    readonly dnsRecords: pulumi.Output<DnsRecord[]>;
    /** ARNs of the SNS topics that alarms are sent to. Each e-mail address has to confirm each topic by the link that AWS sends. */
    readonly alarmTopics: pulumi.Output<string[] | undefined>;
    /** What `npm run check -- --stack` needs to know. Without secrets. */
    readonly checks: pulumi.Output<Checks>;

    constructor(name: string, args: LinkMeshArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:LinkMesh", name, {}, opts);
        // Plain settings are validated here, because Pulumi reports a rejected promise later and more than once.
        const settings = isPlain(args) ? parseSettings({ ...args }) : resolveSettings(args);
        const proxy = this.create(name, settings);
        proxies.set(this, proxy);
        // Each output has its own promise, so that the first preview shows the ones that it knows.
        const output = <K extends keyof Outputs>(key: K) =>
            pulumi.output(proxy.then(({ outputs }) => outputs[key])) as pulumi.Output<pulumi.Unwrap<Outputs[K]>>;
        const outputs = {
            publicUrl: (this.publicUrl = output("publicUrl")),
            uiUrl: (this.uiUrl = output("uiUrl")),
            httpUrl: (this.httpUrl = output("httpUrl")),
            opampUrl: (this.opampUrl = output("opampUrl")),
            healthUrl: (this.healthUrl = output("healthUrl")),
            grpcEndpoint: (this.grpcEndpoint = output("grpcEndpoint")),
            certificateSource: (this.certificateSource = output("certificateSource")),
            ipv4: (this.ipv4 = output("ipv4")),
            ipv6: (this.ipv6 = output("ipv6")),
            ipv4Addresses: (this.ipv4Addresses = output("ipv4Addresses")),
            ipv6Addresses: (this.ipv6Addresses = output("ipv6Addresses")),
            sshCommands: (this.sshCommands = output("sshCommands")),
            sshCommand: (this.sshCommand = output("sshCommand")),
            sessionCommands: (this.sessionCommands = output("sessionCommands")),
            sessionCommand: (this.sessionCommand = output("sessionCommand")),
            sshPrivateKey: (this.sshPrivateKey = pulumi.secret(output("sshPrivateKey"))),
            sshHostKey: (this.sshHostKey = output("sshHostKey")),
            dnsRecords: (this.dnsRecords = output("dnsRecords")),
            alarmTopics: (this.alarmTopics = output("alarmTopics")),
            checks: (this.checks = output("checks")),
        } satisfies Required<{ [K in keyof Outputs]: unknown }>;
        // Waits for the outputs, so the program does not end before everything is created.
        this.registerOutputs(outputs);
    }

    /** Makes dependents of this component wait for everything in it, including what is created after the lookups. */
    protected override async initialize(): Promise<void> {
        // The SDK calls this before the constructor has set the proxy. A failure is reported by the outputs.
        await Promise.resolve();
        await proxies.get(this)?.catch(() => undefined);
    }

    /** The lookups come before the children, because they decide which children exist. */
    private async create(name: string, given: Settings | Promise<Settings>): Promise<LinkMeshProxy> {
        const settings = await given;
        const lookups = await lookUp(name, settings, { parent: this });
        return new LinkMeshProxy(name, { settings, lookups }, { parent: this });
    }
}

/** Whether a value holds neither outputs nor promises. */
function isPlain(value: unknown): boolean {
    if (typeof value !== "object" || value === null) return true;
    return !pulumi.Output.isInstance(value) && !(value instanceof Promise) && Object.values(value).every(isPlain);
}

/** Waits for the values of outputs. Secret values become a `Secret` again when the settings are parsed. */
async function resolveSettings(args: LinkMeshArgs): Promise<Settings> {
    const secrets = new Set<string>();
    const entries = Object.entries(args).map(async ([name, value]) => {
        if (await pulumi.isSecret(pulumi.output(value))) secrets.add(name);
        return [name, await plainValue(name, value)] as const;
    });
    return parseSettings(Object.fromEntries(await Promise.all(entries)), secrets);
}

async function plainValue(name: string, value: unknown): Promise<unknown> {
    const output = pulumi.output(value) as pulumi.Output<unknown> & { isKnown: Promise<boolean> };
    if (!(await output.isKnown)) {
        throw new pulumi.RunError(
            `${name} is unknown until another resource has been created. Take it from the configuration.`,
        );
    }
    return new Promise((resolve) => output.apply(resolve));
}
