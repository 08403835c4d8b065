import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { CloudState } from "../../lab/cloud/state.ts";
import { CloudStore } from "../../lab/cloud/store.ts";
import type { Configuration } from "../../lab/engine/config.ts";
import { ensurePulumi } from "../../lab/engine/ensure-pulumi.ts";
import { resourceName } from "../../lab/engine/stages.ts";
import { LabStack } from "../../lab/engine/stack.ts";
import { STACK } from "../../lab/engine/workspace.ts";
import { type Lab, labAt, labCacheDir } from "../../lab/lab.ts";
import { AwsProvider } from "../../lab/providers/aws/provider.ts";
import { CommandProvider } from "../../lab/providers/command/provider.ts";
import { packageVersion } from "../../lab/providers/plugins.ts";
import type { CreateRequest } from "../../lab/providers/provider.ts";
import { type ProviderServer, serve } from "../../lab/providers/server.ts";
import { TlsProvider } from "../../lab/providers/tls/provider.ts";

/** What a lab keeps of a stack. Secrets of the state are encrypted with {@link PASSPHRASE}. */
export interface KeptStack {
    /** By their short names. */
    readonly settings: Configuration;
    /** The file of the engine's file backend. */
    readonly state: State;
    /** The lab's cloud.json. */
    readonly cloud: Pick<CloudState, "instances" | "volumes">;
}

interface State {
    checkpoint: { latest: { resources: Record<string, unknown>[] } };
}

/** Protects nothing: the keys in the states are made for them. */
const PASSPHRASE = "kept for the tests";

/** A lab with the real engine and the stand-in for AWS, but without machines: it takes no root, and the steps do not run. */
export class DryLab {
    readonly #lab: Lab;
    readonly #stack: LabStack;
    readonly #servers: readonly ProviderServer[];

    private constructor(lab: Lab, stack: LabStack, servers: readonly ProviderServer[]) {
        this.#lab = lab;
        this.#stack = stack;
        this.#servers = servers;
    }

    /** @param programDir with index.ts and Pulumi.yaml */
    static async create(programDir: string): Promise<DryLab> {
        const lab = { ...labAt(7), dir: mkdtempSync(join(tmpdir(), "linkmesh-dry-")) };
        const aws = new AwsProvider(new CloudStore(lab, { apply: () => Promise.resolve() }));
        const providers = [aws, new StepsThatDoNotRun(), new TlsProvider()];
        const servers = await Promise.all(
            providers.map((provider) => serve(provider, { version: packageVersion(provider.name) })),
        );
        const debugProviders = providers.map(({ name }, index) => `${name}:${servers[index]!.port}`).join(",");
        const { command } = await ensurePulumi(labCacheDir(), () => undefined);
        const stack = new LabStack(lab, { command, debugProviders, programDir });
        mkdirSync(dirname(stack.workspace.passphraseFile), { recursive: true });
        writeFileSync(stack.workspace.passphraseFile, PASSPHRASE, { mode: 0o600 });
        return new DryLab(lab, stack, servers);
    }

    async up(settings: Configuration, options: { refresh?: boolean } = {}): Promise<KeptStack> {
        await this.#prepare(settings);
        await this.#stack.up(options);
        const read = (file: string) => JSON.parse(readFileSync(file, "utf8")) as unknown;
        return { settings, state: read(this.#stateFile) as State, cloud: read(this.#cloudFile) as CloudState };
    }

    /** What an `up` would do to a kept stack, as "update linkmesh-nginx"; without what stays as it is. */
    async preview({ settings, state, cloud }: KeptStack, options: { refresh?: boolean } = {}): Promise<string[]> {
        mkdirSync(dirname(this.#stateFile), { recursive: true });
        writeFileSync(this.#stateFile, JSON.stringify(state));
        writeFileSync(this.#cloudFile, JSON.stringify(cloud));
        await this.#prepare(settings);
        const steps: string[] = [];
        await this.#stack.preview({
            ...options,
            onEvent: ({ resourcePreEvent }) => {
                if (!resourcePreEvent) return;
                const { op, urn } = resourcePreEvent.metadata;
                if (!["same", "read", "refresh"].includes(op)) steps.push(`${op} ${resourceName(urn)}`);
            },
        });
        return steps;
    }

    /** The output of `pulumi preview --json` about other settings of the stack. */
    async previewAsJson(settings: Configuration): Promise<string> {
        await this.#prepare(settings);
        return (await this.#stack.preview({ json: true })).stdout;
    }

    remove(): void {
        for (const server of this.#servers) server.stop();
        rmSync(this.#lab.dir, { recursive: true, force: true });
    }

    async #prepare(settings: Configuration): Promise<void> {
        const { project } = this.#stack.workspace;
        const own = Object.entries(settings).map(([name, value]) => [`${project}:${name}`, value]);
        await this.#stack.init();
        this.#stack.configure({ ...Object.fromEntries(own), "aws:region": "eu-central-1" } as Configuration);
    }

    get #stateFile(): string {
        const { stateDir, project } = this.#stack.workspace;
        return join(stateDir, ".pulumi/stacks", project, `${STACK}.json`);
    }

    get #cloudFile(): string {
        return join(this.#lab.dir, "cloud.json");
    }
}

class StepsThatDoNotRun extends CommandProvider {
    override create(request: CreateRequest) {
        if (request.preview) return super.create(request);
        const output = { stdout: "", stderr: "" };
        return Promise.resolve({ id: request.name, outputs: { ...request.inputs.values, ...output } });
    }
}
