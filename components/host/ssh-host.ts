import { remote, types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Secret } from "../settings/secret.ts";
import { fingerprints } from "./render/fingerprints.ts";
import { renderStep } from "./render/step.ts";
import { stepHooks } from "./step-hooks.ts";
import { announceNewMachine, reasonHook } from "./step-reasons.ts";

export interface SshHostArgs {
    host: pulumi.Input<string>;
    /** Login name with passwordless sudo, for example "admin" on Debian's images. */
    user: string;
    privateKey: pulumi.Input<string>;
    /** The machine's public host key in authorized_keys form; any other key is refused from the first connection on. */
    hostKey: pulumi.Input<string>;
    /** An SSH host between, with its own pinned key. Default: none, the machine is dialled directly. */
    bastion?: {
        host: string;
        user: string;
        privateKey: pulumi.Input<string>;
        hostKey: string;
    };
    /** The machine. A new one runs all steps again; when it goes, its steps go without a connection. */
    machine: pulumi.CustomResource;
    /** What must be in place before a connection can succeed. */
    dependsOn: pulumi.Resource[];
}

export interface StepOptions {
    /** Shell variables for the script. */
    variables?: Readonly<Record<string, pulumi.Input<string>>>;
    /** Files that the script finds in the folder FILES. */
    files?: Readonly<Record<string, pulumi.Input<string>>>;
    /** Further files, which are secret. With them neither the step's text nor its output is shown or logged. */
    secrets?: Readonly<Record<string, Secret>>;
    /** Seconds after which the step is ended as failed. Default: 300. */
    timeout?: number;
    /** What the step was called before, so that a stack that has it keeps it. */
    formerName?: string;
    /** How often a refused connection is tried again; about 5 seconds a try. Default: 10. */
    connectionAttempts?: number;
}

/**
 * The only place that knows SSH. Runs steps on a machine one after the other, each a script of `scripts/` with the
 * text that it needs; a step runs again when its text or the machine changes. There are no delete scripts: with a
 * stable address they would run on the machine that follows.
 */
export class SshHost {
    /** The step that ran last. */
    lastStep: pulumi.Resource | undefined;
    private readonly connection: pulumi.Output<types.input.remote.ConnectionArgs>;
    private readonly reasonHook: pulumi.ResourceHook | undefined;

    constructor(
        private readonly name: string,
        private readonly parent: pulumi.Resource,
        private readonly args: SshHostArgs,
    ) {
        // One typed place: the CLI prints the whole object, private key included, when it has a property too many.
        this.connection = pulumi.secret({
            host: args.host,
            user: args.user,
            privateKey: args.privateKey,
            hostKey: args.hostKey,
            perDialTimeout: 15,
            // A dead one ends it within a minute. Four wrong logins are as many as its sshd explains.
            proxy: args.bastion && { ...args.bastion, perDialTimeout: 15, dialErrorLimit: 3 },
        });
        this.reasonHook = reasonHook(name, parent);
        announceNewMachine(args.machine, args.hostKey, parent);
    }

    step(name: string, options: StepOptions = {}): remote.Command {
        const {
            variables = {},
            files = {},
            secrets = {},
            timeout = 300,
            connectionAttempts = 10,
            formerName,
        } = options;
        const hidden = Object.entries(secrets).map(([file, secret]) => [file, secret.output()] as const);
        const secret = hidden.length > 0;
        const text = pulumi
            .all([pulumi.output(variables), pulumi.output({ ...files, ...Object.fromEntries(hidden) })])
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
                triggers: [this.args.machine.id],
                logging: secret ? remote.Logging.None : remote.Logging.StdoutAndStderr,
                // Stock sshd refuses the variables that this would send, with a warning at each update.
                addPreviousOutputInEnv: false,
            },
            {
                parent: this.parent,
                aliases: formerName === undefined ? [] : [{ name: `${this.name}-${formerName}` }],
                deletedWith: this.args.machine,
                dependsOn: this.lastStep ? [this.lastStep] : this.args.dependsOn,
                additionalSecretOutputs: secret ? ["stdout", "stderr"] : [],
                // From a bastion on a try that is not answered takes 135 seconds, whatever perDialTimeout says. The
                // provider takes this time for connecting alone.
                customTimeouts: this.args.bastion && limit(12 * connectionAttempts),
                hooks: {
                    ...stepHooks(`${this.name}-${name}`, name, secret, this.parent),
                    beforeUpdate: this.reasonHook && [this.reasonHook],
                },
            },
        );
        this.lastStep = command;
        return command;
    }

    /** The command of a secret step with a fingerprint of each part, so that a preview shows which of them changes. */
    private withFingerprints(command: string, step: string, text: pulumi.Output<string>): pulumi.Output<string> {
        // The login key is secret, and there for as long as the machine is: another one comes with another machine.
        // Several stacks may have one login key.
        const owner = [pulumi.getProject(), pulumi.getStack(), this.name, step].join("/");
        const words = pulumi
            .all([text, this.args.privateKey])
            .apply(([plainText, key]) => fingerprints(owner, plainText, key));
        return pulumi.unsecret(words).apply((list) => [command, ...list].join(" \\\n  "));
    }
}

const limit = (seconds: number) => ({ create: `${seconds}s`, update: `${seconds}s` });

/** Refuses the secret output of a resource among plain texts: the step's output, which is logged, could hold it. */
function plain(step: string, text: pulumi.Output<string>): pulumi.Output<string> {
    const checked = pulumi.isSecret(text).then((isSecret) => {
        if (!isSecret) return text;
        throw new pulumi.RunError(`step ${step}: one of its variables or files is a secret; give it by "secrets".`);
    });
    return pulumi.output(checked);
}
