import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { stepTitle } from "../../components/host/node-name.ts";

/** A line of the report whose work is in progress. */
export interface OpenStage {
    progress(message: string): void;
    /** Prints a warning on its own line. */
    warn(message: string): void;
    /** Ends the line. `finishedAt`: when the work ended, as performance.now(). `note` follows the name. */
    done(finishedAt?: number, note?: string): void;
    fail(): void;
}

/** Names of resource types in the report. The first match counts. Other types are not reported. */
const GROUPS: [RegExp, string][] = [
    [/^tls:/, "keys"],
    [/^aws:(ec2\/(networkInterface|eip|eipAssociation):|ec2\/eip)/, "addresses"],
    [/^aws:ebs\//, "data volume"],
    [/^aws:ec2\/(instance|volumeAttachment):/, "machine"],
    [/^aws:lb\//, "load balancer"],
    [/^aws:acm\//, "certificate"],
    [/^aws:(ec2|vpc)\//, "network"],
    [/^aws:(cloudwatch|sns)\/|^aws:route53\/healthCheck:/, "alarms"],
    [/^aws:route53\//, "DNS records"],
    [/^aws:iam\//, "roles"],
    [/^aws:dlm\//, "snapshot policy"],
];
const COMMAND = /^command:remote:/;
/** The start of a warning from a step or from the engine. */
const WARNING = /^(linkmesh: )?warning: /;
/** A group is complete this long after its last resource, because resources of a group follow each other at once. */
const QUIET_MS = 400;

interface Group {
    stage: OpenStage;
    running: Set<string>;
    endedAt: number;
    timer?: NodeJS.Timeout;
}

/** The start of the program's own sentence about a step. */
export const ABOUT_STEP = /^(?:error: )?step \S+(?: on \S+)?: /;

/** Turns engine events into report lines: one for each group of cloud resources, one for each step on the machine. */
export class EngineStages {
    readonly #begin: (name: string) => OpenStage;
    readonly #whole: Pick<OpenStage, "warn">;
    readonly #groups = new Map<string, Group>();
    readonly #warned = new Set<string>();
    /** Number of operations that changed something, by name of the operation ("create", "update" …). */
    changes: Record<string, number> = {};
    /** Whether an operation on a resource has begun. Before that, nothing has changed outside this process. */
    started = false;

    /** `begin` opens a line. `whole` prints warnings that belong to no line. */
    constructor(begin: (name: string) => OpenStage, whole: Pick<OpenStage, "warn">) {
        this.#begin = begin;
        this.#whole = whole;
    }

    handle(event: EngineEvent): void {
        if (event.resourcePreEvent) {
            const { op, urn, new: wanted } = event.resourcePreEvent.metadata;
            if (isChange(op)) this.#start(urn, op, stepName(urn, wanted?.inputs));
        } else if (event.diagnosticEvent) {
            const { urn, message, severity } = event.diagnosticEvent;
            const stage = urn ? this.#groupOf(urn)?.stage : undefined;
            const text = plainText(message).trim();
            if (severity === "warning" || WARNING.test(text))
                this.#warn(stage ?? this.#whole, text.replace(WARNING, ""));
            else stage?.progress(text.split("\n").at(-1) ?? "");
        } else if (event.resOutputsEvent) {
            this.#end(event.resOutputsEvent.metadata.urn);
        } else if (event.resOpFailedEvent) {
            this.#fail(event.resOpFailedEvent.metadata.urn);
        } else if (event.summaryEvent) {
            const changes = Object.entries(event.summaryEvent.resourceChanges ?? {});
            this.changes = Object.fromEntries(changes.filter(([op]) => isChange(op) || op === "replace"));
        }
    }

    /** Ends all open lines, after the engine has ended. */
    close(): void {
        for (const [name, group] of this.#groups) {
            if (group.running.size > 0) this.#remove(name, group, () => group.stage.fail());
            else this.#finish(name, group);
        }
    }

    /** Prints a warning once. The program repeats a step's warning, with the step's name, when the step is done. */
    #warn(stage: Pick<OpenStage, "warn">, text: string): void {
        const remark = text.replace(ABOUT_STEP, "");
        if (remark !== text && this.#warned.has(remark)) return;
        this.#warned.add(remark);
        stage.warn(text);
    }

    #start(urn: string, op: string, step: string): void {
        const name = stageName(typeOf(urn), op, step);
        if (isWork(typeOf(urn))) this.started = true;
        if (!name) return;
        let group = this.#groups.get(name);
        if (!group) {
            group = { stage: this.#begin(name), running: new Set(), endedAt: 0 };
            this.#groups.set(name, group);
        }
        clearTimeout(group.timer);
        group.running.add(urn);
        if (!COMMAND.test(typeOf(urn))) group.stage.progress(resourceName(urn));
    }

    #end(urn: string): void {
        for (const [name, group] of this.#groups) {
            if (!group.running.delete(urn) || group.running.size > 0) continue;
            group.endedAt = performance.now();
            if (COMMAND.test(typeOf(urn))) this.#finish(name, group);
            else group.timer = setTimeout(() => this.#finish(name, group), QUIET_MS);
        }
    }

    #fail(urn: string): void {
        for (const [name, group] of this.#groups) {
            if (group.running.has(urn)) this.#remove(name, group, () => group.stage.fail());
        }
    }

    #finish(name: string, group: Group): void {
        this.#remove(name, group, () => group.stage.done(group.endedAt));
    }

    #remove(name: string, group: Group, end: () => void): void {
        clearTimeout(group.timer);
        this.#groups.delete(name);
        end();
    }

    #groupOf(urn: string): Group | undefined {
        return [...this.#groups.values()].find((group) => group.running.has(urn));
    }
}

function isChange(op: string): boolean {
    // The create and the delete of a "replace" have their own events.
    return !["same", "read", "read-discard", "refresh", "discard", "replace"].includes(op);
}

/** False for components and the stack, which only group resources. */
function isWork(type: string): boolean {
    return /^(aws|command|tls):/.test(type);
}

function stageName(type: string, op: string, step: string): string | undefined {
    const deletes = op.startsWith("delete") || op.startsWith("discard");
    // The deletion of a step does nothing on the machine.
    if (COMMAND.test(type)) return deletes ? undefined : `step ${step}`;
    const group = GROUPS.find(([pattern]) => pattern.test(type))?.[1];
    return group && deletes ? `${group}: removal` : group;
}

/** "…$aws:ec2/instance:Instance::linkmesh-instance" → "aws:ec2/instance:Instance". */
export function typeOf(urn: string): string {
    return (urn.split("::")[2] ?? "").split("$").at(-1) ?? "";
}

export function resourceName(urn: string): string {
    return urn.split("::").slice(3).join("::");
}

/**
 * A step's name from its command ("… bash -s -- nginx"), with the machine's if there are several, or the resource's name
 * if the command is unknown.
 */
export function stepName(urn: string, inputs?: Record<string, unknown>): string {
    const command = inputs?.create;
    const step = typeof command === "string" ? / -- (\S+)/.exec(command)?.[1] : undefined;
    if (step === undefined) return resourceName(urn);
    // "linkmesh-node-2-nginx" is the step nginx of linkmesh-node-2. Events have only names, so the only machine of a LinkMesh
    // with such a name looks like one of several in the report.
    return stepTitle({ node: nodeName(resourceName(urn).slice(0, -step.length - 1)) }, step);
}

/** The name of one of several machines, as "node-2", from the prefix of its resources' names. Undefined for the only one. */
export function nodeName(prefix: string): string | undefined {
    return /(?:^|-)(node-\d+)$/.exec(prefix)?.[1];
}

/** Removes the engine's colour tags such as "<{%fg 1%}>" and terminal sequences from a step's output. */
export function plainText(message: string): string {
    // eslint-disable-next-line no-control-regex
    return message.replace(/<\{%.*?%\}>/g, "").replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "");
}
