import { randomBytes } from "node:crypto";
import {
    type CheckFailure,
    type CheckRequest,
    type CreateRequest,
    type DeleteRequest,
    type DiffRequest,
    type OperationRequest,
    ProviderError,
    type ReadRequest,
    type ResourceProvider,
    type UpdateRequest,
} from "../provider.ts";
import { UNKNOWN, asText, type Value, type Values, equal, isMap, isUnknown } from "../property-values.ts";
import { checkConnection, toConnection } from "./connection.ts";
import { type Stream, run } from "./run.ts";

const TYPE = "command:remote:Command";
const LOGGING: Record<string, Stream[]> = {
    stdout: ["stdout"],
    stderr: ["stderr"],
    stdoutAndStderr: ["stdout", "stderr"],
    none: [],
};
export const INPUTS: Record<string, (value: Value) => boolean> = {
    connection: () => true,
    create: isText,
    update: isText,
    delete: isText,
    stdin: isText,
    environment: (value) => isMap(value) && Object.values(value).every(isText),
    triggers: (value) => Array.isArray(value),
    logging: (value) => typeof value === "string" && value in LOGGING,
    addPreviousOutputInEnv: (value) => typeof value === "boolean",
};

/**
 * Stand-in for the command provider 1.2.1, with remote.Command only.
 *
 * As in the real provider:
 * - Nothing runs in a preview.
 * - A change of `triggers` replaces. Any other change runs `update`, or `create` if there is no `update`.
 * - A refresh reads nothing.
 * - A cancellation does not stop a command that runs.
 *
 * Unlike the real provider:
 * - There is no warning if sshd does not accept the variables with previous output.
 * - The error about an unknown property of the connection does not show the connection's values.
 * - What would wait forever fails.
 */
export class CommandProvider implements ResourceProvider {
    readonly name = "command";

    check({ type, news }: CheckRequest) {
        if (type !== TYPE) {
            throw new ProviderError(
                `the lab's stand-in for command has no resource type ${type}, only ${TYPE}: install the real plugin to use it`,
            );
        }
        const failures: CheckFailure[] = checkConnection(news.values.connection);
        for (const [property, value] of Object.entries(news.values)) {
            const isValid = INPUTS[property];
            if (!isValid) {
                failures.push({
                    property,
                    reason: `${TYPE} has no property "${property}"; it has ${Object.keys(INPUTS).join(", ")}`,
                });
            } else if (!isUnknown(value) && !isValid(value)) {
                failures.push({ property, reason: "the value is not valid" });
            }
        }
        return { inputs: news, failures };
    }

    diff({ oldInputs, news, ignoreChanges }: DiffRequest) {
        const changed = Object.keys(INPUTS).filter(
            (name) => !equal(oldInputs[name], news[name]) && !ignoreChanges.includes(name),
        );
        return { changed, replaces: changed.filter((name) => name === "triggers") };
    }

    async create(request: CreateRequest) {
        const { inputs, name, preview } = request;
        if (preview) return { id: "", outputs: { ...inputs.values, stdout: UNKNOWN, stderr: UNKNOWN } };
        const output = await this.#run(request, inputs.values, inputs.values.create);
        return { id: `${name}${randomBytes(4).toString("hex")}`, outputs: { ...inputs.values, ...output } };
    }

    async update(request: UpdateRequest) {
        const { news, oldState, preview } = request;
        const previous = { stdout: asText(oldState.stdout), stderr: asText(oldState.stderr) };
        const command = news.values.update ?? news.values.create;
        const output =
            preview || command === undefined ? previous : await this.#run(request, news.values, command, previous);
        return { outputs: { ...news.values, ...output } };
    }

    read({ id, inputs, state }: ReadRequest) {
        return { id, inputs: inputs.values, outputs: state.values };
    }

    async delete(request: DeleteRequest): Promise<void> {
        const { state } = request;
        if (state.delete === undefined) return;
        await this.#run(request, state, state.delete, {
            stdout: asText(state.stdout),
            stderr: asText(state.stderr),
        });
    }

    invoke({ token }: { token: string }): never {
        throw new ProviderError(
            `the lab's stand-in for command has no function ${token}: install the real plugin to use it`,
        );
    }

    async #run(
        request: OperationRequest,
        inputs: Values,
        command: Value | undefined,
        previous: Record<Stream, string> = { stdout: "", stderr: "" },
    ): Promise<Record<Stream, string>> {
        if (command === undefined) return previous;
        return run(toConnection(inputs.connection), {
            command: asText(command),
            stdin: inputs.stdin === undefined ? undefined : asText(inputs.stdin),
            environment: inputs.environment as Record<string, string> | undefined,
            optionalEnvironment: inputs.addPreviousOutputInEnv === false ? {} : previousEnvironment(previous),
            signal: request.signal,
            dialTimeoutSeconds: request.timeoutSeconds,
            logged: LOGGING[asText(inputs.logging) || "stdoutAndStderr"] ?? [],
            onLine: (line) => {
                if (line) request.log("info", line, { ephemeral: true });
            },
            onRetry: (message) => request.log("info", message, { ephemeral: true }),
        });
    }
}

function previousEnvironment({ stdout, stderr }: Record<Stream, string>): Record<string, string> {
    return {
        ...(stdout && { PULUMI_COMMAND_STDOUT: stdout }),
        ...(stderr && { PULUMI_COMMAND_STDERR: stderr }),
    };
}

function isText(value: Value): boolean {
    return typeof value === "string";
}
