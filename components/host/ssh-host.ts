import { remote, types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host.ts";
import type { Secret } from "../settings/secret.ts";
import type { MachineName } from "./node-name.ts";
import { fingerprint, fingerprints } from "./render/fingerprints.ts";
import { renderStep } from "./render/step.ts";
import { stepHooks } from "./step-hooks.ts";
import { announceNewMachine, reasonHook } from "./step-reasons.ts";

export interface SshHostArgs {
    host: Host;
    /** As "node-2", for messages about one of several machines. Default: the stack has one. */
    node?: string;
    /** In OpenSSH form. */
    privateKey: pulumi.Input<string>;
    /** The machine's public host key in authorized_keys form. Any other key is refused, from the first connection on. */
    hostKey: pulumi.Input<string>;
    /** An SSH host to connect through, with its own pinned host key. Default: connect directly. */
    bastion?: {
        host: string;
        user: string;
        privateKey: pulumi.Input<string>;
        hostKey: string;
    };
    /** What must exist before the first step, besides what the host needs. Default: nothing. */
    dependsOn?: readonly pulumi.Resource[];
}

export interface StepOptions {
    /** Shell variables for the script. */
    variables?: Readonly<Record<string, pulumi.Input<string>>>;
    /** Files that the script finds in the folder FILES. */
    files?: Readonly<Record<string, pulumi.Input<string>>>;
    /** Further files, which are secret. If there are any, neither the step's text nor its output is shown or logged. */
    secrets?: Readonly<Record<string, Secret>>;
    /** Whether the step runs again if the text of one before it changes. Its script is given a fingerprint of those as BEFORE. */
    followsAll?: boolean;
    /** Seconds after which the step is stopped and fails. Default: 300. */
    timeout?: number;
    /** An older name of the step, so that existing stacks keep its resource. */
    formerName?: string;
    /** How often a failed connection is tried again; about 5 seconds each if it is refused. Default: 10. */
    connectionAttempts?: number;
}

/** In seconds. */
export const DEFAULT_TIMEOUT = 300;

/**
 * Runs steps on a machine over SSH, one after the other. Each step is a script of `scripts/` with its variables and files. It
 * runs again if its text or the machine changes. There are no delete scripts: the address stays when the machine is replaced,
 * so they would run on the new machine.
 */
export class SshHost {
    /** The step that ran last. */
    lastStep: pulumi.Resource | undefined;
    private readonly texts: pulumi.Output<string>[] = [];
    private readonly connection: pulumi.Output<types.input.remote.ConnectionArgs>;
    private readonly reasonHook: pulumi.ResourceHook | undefined;
    private readonly machine: MachineName;

    constructor(
        private readonly name: string,
        private readonly parent: pulumi.Resource,
        private readonly args: SshHostArgs,
    ) {
        // Typed as ConnectionArgs, because the CLI prints the whole object with the private key if it has an unknown property.
        this.connection = pulumi.secret({
            host: args.host.ipv4,
            user: args.host.user,
            privateKey: args.privateKey,
            hostKey: args.hostKey,
            perDialTimeout: 15,
            // Three retries: a bastion that is down ends the step within a minute, and its sshd hangs up without a reason
            // after more than four wrong logins.
            proxy: args.bastion && { ...args.bastion, perDialTimeout: 15, dialErrorLimit: 3 },
        });
        this.machine = { prefix: name, node: args.node };
        this.reasonHook = reasonHook(this.machine, parent);
        announceNewMachine(this.machine, args.host.machine, args.hostKey, parent);
    }

    step(name: string, options: StepOptions = {}): remote.Command {
        const {
            variables = {},
            files = {},
            secrets = {},
            timeout = DEFAULT_TIMEOUT,
            connectionAttempts = 10,
            formerName,
            followsAll = false,
        } = options;
        const { host, dependsOn = [] } = this.args;
        const hidden = Object.entries(secrets).map(([file, secret]) => [file, secret.output()] as const);
        const secret = hidden.length > 0;
        const before: Record<string, pulumi.Output<string>> = followsAll ? { BEFORE: this.fingerprintOfAll() } : {};
        const text = pulumi
            .all([
                pulumi.output({ ...variables, ...before }),
                pulumi.output({ ...files, ...Object.fromEntries(hidden) }),
            ])
            .apply(([v, f]) => renderStep({ name, variables: v, files: f }));
        const run = `sudo timeout --kill-after=300 ${timeout} bash -s -- ${name}`;
        const command = new remote.Command(
            `${this.name}-${name}`,
            {
                connection: this.connection.apply((connection) => ({
                    ...connection,
                    dialErrorLimit: connectionAttempts,
                })),
                create: secret ? this.withFingerprints(run, name, text) : run,
                stdin: secret ? text : plain(name, text),
                triggers: [this.args.host.machine.id],
                logging: secret ? remote.Logging.None : remote.Logging.StdoutAndStderr,
                // The default sshd_config refuses the variables that this would send, with a warning at each update.
                addPreviousOutputInEnv: false,
            },
            {
                parent: this.parent,
                aliases: formerName === undefined ? [] : [{ name: `${this.name}-${formerName}` }],
                deletedWith: this.args.host.machine,
                dependsOn: this.lastStep ? [this.lastStep] : [...host.ready, ...dependsOn],
                additionalSecretOutputs: secret ? ["stdout", "stderr"] : [],
                // Through a bastion, an attempt that gets no answer takes 135 seconds, whatever perDialTimeout says. The
                // provider applies this timeout only to connecting.
                customTimeouts: this.args.bastion && limit(12 * connectionAttempts),
                hooks: {
                    ...stepHooks(this.machine, name, secret, this.parent),
                    beforeUpdate: this.reasonHook && [this.reasonHook],
                },
            },
        );
        this.lastStep = command;
        this.texts.push(text);
        return command;
    }

    /** The command of a secret step with a fingerprint of each part, so that a preview shows which parts change. */
    private withFingerprints(command: string, step: string, text: pulumi.Output<string>): pulumi.Output<string> {
        const words = pulumi
            .all([text, this.args.privateKey])
            .apply(([plainText, key]) => fingerprints(this.owner(step), plainText, key));
        return pulumi.unsecret(words).apply((list) => [command, ...list].join(" \\\n  "));
    }

    /** A fingerprint of the texts of all steps so far. */
    private fingerprintOfAll(): pulumi.Output<string> {
        const word = pulumi
            .all([pulumi.all(this.texts), this.args.privateKey])
            .apply(([texts, key]) => fingerprint([this.owner(""), ...texts], key));
        return pulumi.unsecret(word);
    }

    /**
     * The owner is part of a fingerprint, because several stacks may share a login key. That is the HMAC key: it is secret, and
     * as long as the machine exists it stays the same.
     */
    private owner(step: string): string {
        return [pulumi.getProject(), pulumi.getStack(), this.name, step].join("/");
    }
}

const limit = (seconds: number) => ({ create: `${seconds}s`, update: `${seconds}s` });

/** Refuses a secret output among the plain values, because the step's output is logged and could contain it. */
function plain(step: string, text: pulumi.Output<string>): pulumi.Output<string> {
    const checked = pulumi.isSecret(text).then((isSecret) => {
        if (!isSecret) return text;
        throw new pulumi.RunError(`step ${step}: one of its variables or files is a secret; give it by "secrets".`);
    });
    return pulumi.output(checked);
}
