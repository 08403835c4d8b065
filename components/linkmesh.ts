import * as pulumi from "@pulumi/pulumi";
import type { DnsRecord } from "./cloud/dns/provider.ts";
import { lookUp } from "./cloud/lookups/lookups.ts";
import { parseSettings } from "./settings/load.ts";
import type { LinkMeshArgs } from "./linkmesh-args.ts";
import { LinkMeshProxy } from "./linkmesh-proxy.ts";
import type { Outputs } from "./outputs.ts";
import type { Settings } from "./settings/settings.ts";

/** What is in a component, once it is looked up. No field of it: the schema's analyzer takes each for an output. */
const inner = new WeakMap<LinkMesh, Promise<LinkMeshProxy>>();

/**
 * LinkMesh behind its public hostname, all in one: validates the settings, looks up what exists in the cloud and creates
 * a LinkMeshProxy. For other programs, in any language of Pulumi: args and outputs are what a package schema can hold.
 */
export class LinkMesh extends pulumi.ComponentResource {
    /** Where browsers reach LinkMesh. */
    readonly publicUrl: pulumi.Output<string>;
    /** Where browsers have HTTP/2, with uiDomain. */
    readonly uiUrl: pulumi.Output<string | undefined>;
    /** What redirects to publicUrl, unless port 80 is closed. */
    readonly httpUrl: pulumi.Output<string | undefined>;
    /** Where collectors report, over OpAMP. */
    readonly opampUrl: pulumi.Output<string>;
    /** Where linkmesh-agent connects, as host and port, unless gRPC is off. */
    readonly grpcEndpoint: pulumi.Output<string | undefined>;
    /** "acme", or "own" when tlsCertificate is set. */
    readonly certificateSource: pulumi.Output<string>;
    /** The machine's address; it outlives the machine. */
    readonly ipv4: pulumi.Output<string>;
    /** The machine's address; it outlives the machine. None in a subnet without IPv6. */
    readonly ipv6: pulumi.Output<string | undefined>;
    /** Logs in on the machine. */
    readonly sshCommand: pulumi.Output<string>;
    /** The generated private key to log in with, unless sshPublicKey is set. A secret. */
    readonly sshPrivateKey: pulumi.Output<string | undefined>;
    /** The machine's host key, as known_hosts and ssh-keyscan show it. */
    readonly sshHostKey: pulumi.Output<string>;
    /** What is published, or with dns=external what to publish. */
    readonly dnsRecords: pulumi.Output<DnsRecord[]>;

    constructor(name: string, args: LinkMeshArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:LinkMesh", name, {}, opts);
        // What can be told wrong at once is, by an exception: a promise that fails is reported later and more than once.
        const settings = isPlain(args) ? parseSettings({ ...args }) : settingsOf(args);
        const proxy = this.create(name, settings);
        inner.set(this, proxy);
        // One by one, so that those which are known in the first preview are shown there.
        const output = <K extends keyof Outputs>(key: K) =>
            pulumi.output(proxy.then(({ outputs }) => outputs[key])) as pulumi.Output<pulumi.Unwrap<Outputs[K]>>;
        const outputs = {
            publicUrl: (this.publicUrl = output("publicUrl")),
            uiUrl: (this.uiUrl = output("uiUrl")),
            httpUrl: (this.httpUrl = output("httpUrl")),
            opampUrl: (this.opampUrl = output("opampUrl")),
            grpcEndpoint: (this.grpcEndpoint = output("grpcEndpoint")),
            certificateSource: (this.certificateSource = output("certificateSource")),
            ipv4: (this.ipv4 = output("ipv4")),
            ipv6: (this.ipv6 = output("ipv6")),
            sshCommand: (this.sshCommand = output("sshCommand")),
            sshPrivateKey: (this.sshPrivateKey = pulumi.secret(output("sshPrivateKey"))),
            sshHostKey: (this.sshHostKey = output("sshHostKey")),
            dnsRecords: (this.dnsRecords = output("dnsRecords")),
        } satisfies Required<{ [K in keyof Outputs]: unknown }>;
        // It waits for the outputs, and the engine for it: the program does not end before all is created.
        this.registerOutputs(outputs);
    }

    /** What depends on this component waits for all that is in it, and not only for what is there at once. */
    protected override async initialize(): Promise<void> {
        // The constructor's own lines come first. What fails is told by the outputs.
        await Promise.resolve();
        await inner.get(this)?.catch(() => undefined);
    }

    /** The lookups come before the children, as they decide which there are. */
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

/** Secrets stay with the program that is evaluated: the settings wrap them again. */
async function settingsOf(args: LinkMeshArgs): Promise<Settings> {
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
