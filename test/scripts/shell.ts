import { execFileSync } from "node:child_process";

/** A node of shfmt's syntax tree; https://pkg.go.dev/mvdan.cc/sh/v3/syntax names the fields. */
interface Node {
    readonly [field: string]: unknown;
    readonly Type?: string;
}

/** A place where bash looks at a status, or loses it, so that `set -e` and the trap on ERR do not count. */
type Hidden = "a condition" | "a pipe" | "a subshell" | "$(…)" | "<(…)" | "the background";

interface Call {
    readonly name: string;
    readonly line: number;
    readonly hidden: Hidden | undefined;
}

interface ShellFunction {
    readonly name: string;
    readonly body: Node;
    readonly calls: readonly Call[];
}

/** What a step's text does wrong about failures, a line for each. Its functions are all that it has. */
export function hiddenFailures(text: string): string[] {
    const functions = parse(text);
    return [...lostFailures(functions), ...uncheckedCommands(functions), ...lostValues(functions)];
}

/** A function that can `fail` stands where the shell around it goes on. */
function lostFailures(functions: ReadonlyMap<string, ShellFunction>): string[] {
    const failing = closure(functions, new Set(["fail"]), "callers");
    return [...functions.values()].flatMap(({ name, calls }) =>
        calls
            .filter((call) => call.hidden && failing.has(call.name))
            .map((call) => `${name}, line ${call.line}: ${call.name} can fail, and stands in ${call.hidden}`),
    );
}

/** Within what a condition calls `set -e` is off: a command that fails there is passed over unless it is looked at. */
function uncheckedCommands(functions: ReadonlyMap<string, ShellFunction>): string[] {
    const calls = [...functions.values()].flatMap((f) => f.calls);
    const inConditions = calls.filter(({ hidden }) => hidden === "a condition").map(({ name }) => name);
    return [...closure(functions, new Set(inConditions), "callees")].flatMap((name) => {
        const { body } = functions.get(name) ?? {};
        return body ? unchecked(body, true).map((line) => `${name}, line ${line}: runs in a condition, unchecked`) : [];
    });
}

/** A command whose output is a word of another one, which goes on without it. One whose status counts is assigned first. */
function lostValues(functions: ReadonlyMap<string, ShellFunction>): string[] {
    const inner = (value: unknown): Node[] =>
        descendants(value).filter((node) => node.Type === "CmdSubst" && !CANNOT_FAIL.has(commandOf(node) ?? ""));
    return [...functions.values()].flatMap(({ name, body }) =>
        descendants(body)
            .flatMap((node) => {
                const command = node.Type === "CallExpr" ? (words(node)[0] ?? "") : "";
                const ofOurs = functions.has(command) && command !== "fail" && command !== "report_error";
                return [ofOurs && node.Args, node.Redirs, node.Type === "CaseClause" && node.Word, node.Items].flatMap(
                    inner,
                );
            })
            .map((node) => `${name}, line ${lineOf(node)}: the status of this $(…) is lost`),
    );
}

/** What $(…) may be a word of another command with. */
const CANNOT_FAIL = new Set(["basename", "date", "dirname"]);

/** What a step's text takes from elsewhere, as far as its main leads: variables, without those that it sets, and files. */
export function taken(text: string): { variables: string[]; files: string[] } {
    const functions = parse(text);
    const called = closure(functions, new Set(["start", "main", "finish"]), "callees");
    const outside = nodes(syntaxTree(text).Stmts).filter((stmt) => (stmt.Cmd as Node | undefined)?.Type !== "FuncDecl");
    const all = descendants([outside, ...[...called].map((name) => functions.get(name)?.body)]);
    const set = new Set(all.flatMap(namesSet));
    const used = new Set(all.flatMap(namesUsed).filter((name) => /^[A-Z][A-Z0-9_]*$/.test(name)));
    return {
        variables: [...used].filter((name) => !set.has(name) && !OF_BASH.has(name)).sort(),
        files: [...new Set(all.flatMap((node) => filesUsed(node, all)))].sort(),
    };
}

const OF_BASH = new Set(["BASH_COMMAND", "BASH_SUBSHELL", "EPOCHSECONDS", "SECONDS"]);

function namesSet(node: Node): string[] {
    const { Value: loop } = (node.Name ?? {}) as { Value?: string };
    const assigned = nodes(node.Assigns).concat(node.Type === "DeclClause" ? nodes(node.Args) : []);
    const [command, ...args] = node.Type === "CallExpr" ? words(node) : [];
    return [
        ...assigned.map(({ Name }) => (Name as { Value?: string } | undefined)?.Value ?? ""),
        ...(node.Type === "WordIter" && loop !== undefined ? [loop] : []),
        ...(command === "read" || command === "mapfile" ? args.map((arg) => arg ?? "") : []),
    ];
}

/** One with a default value is nobody's duty to give. */
function namesUsed(node: Node): string[] {
    if (node.Type === "ArithmCmd" || node.Type === "ArithmExp")
        return descendants(node).flatMap(({ Type, Value }) => (Type === "Lit" ? [Value as string] : []));
    const optional = (node.Exp as Node | undefined)?.Op === OPERATORS[":-"];
    return node.Type === "ParamExp" && !optional ? [(node.Param as { Value: string }).Value] : [];
}

/** "$FILES/NAME"; where the name is a loop's, all words of that loop. */
function filesUsed({ Parts }: Node, all: readonly Node[]): string[] {
    const parts = nodes(Parts);
    return parts.flatMap((part, i) => {
        if ((part.Param as { Value?: string } | undefined)?.Value !== "FILES") return [];
        const rest = (parts[i + 1]?.Value as string | undefined)?.slice(1);
        if (rest !== "") return rest === undefined ? [] : [rest];
        const { Value: loop } = parts[i + 2]?.Param as { Value: string };
        const iterations = all.filter(
            (node) => node.Type === "WordIter" && (node.Name as { Value: string }).Value === loop,
        );
        return iterations.flatMap((node) =>
            nodes(node.Items).flatMap((word) => (nodes(word.Parts)[0]?.Value as string | undefined) ?? []),
        );
    });
}

/** The set with all functions that call one of it, or that one of it calls. */
function closure(
    functions: ReadonlyMap<string, ShellFunction>,
    set: ReadonlySet<string>,
    direction: "callers" | "callees",
): Set<string> {
    const all = new Set(set);
    for (let size = -1; size !== all.size;) {
        size = all.size;
        for (const { name, calls } of functions.values()) {
            if (direction === "callees" && all.has(name)) for (const call of calls) all.add(call.name);
            if (direction === "callers" && calls.some((call) => all.has(call.name))) all.add(name);
        }
    }
    return all;
}

/** What cannot fail in a way that matters. */
const HARMLESS = new Set([
    "[",
    "break",
    "continue",
    "echo",
    "exit",
    "local",
    "printf",
    "return",
    "shift",
    "sleep",
    "true",
]);

/** Lines of commands whose status nobody looks at. @param last whether the function ends with it, or with `return 1`. */
function unchecked(node: Node, last: boolean): number[] {
    const list = (field: unknown, final: boolean) =>
        nodes(field).flatMap((stmt, i, all) =>
            unchecked(stmt, i === all.length - 1 ? final : words(all[i + 1]!.Cmd as Node).join(" ") === "return 1"),
        );
    const cmd = (node.Cmd ?? node) as Node;
    switch (cmd.Type) {
        case "Block":
            return list(cmd.Stmts, last);
        case "IfClause":
            return [
                ...list(cmd.Then, last),
                ...(cmd.Else ? unchecked({ Type: "IfClause", ...(cmd.Else as Node) }, last) : []),
            ];
        case "WhileClause":
        case "ForClause":
            return list(cmd.Do, false);
        case "CaseClause":
            return nodes(cmd.Items).flatMap((item) => list(item.Stmts, last));
        case "BinaryCmd":
            if (cmd.Op === OPERATORS["|"]) return last ? [] : [lineOf(node)];
            if (cmd.Op === OPERATORS["||"]) return unchecked(cmd.Y as Node, last);
            return [...(last ? [] : unchecked(cmd.X as Node, false)), ...unchecked(cmd.Y as Node, last)];
        case "CallExpr": {
            const name = words(cmd)[0];
            const ok = last || (name === undefined ? !JSON.stringify(cmd).includes('"CmdSubst"') : HARMLESS.has(name));
            return ok ? [] : [lineOf(node)];
        }
        default:
            return [];
    }
}

function parse(text: string): Map<string, ShellFunction> {
    const functions = new Map<string, ShellFunction>();
    for (const { Cmd } of nodes(syntaxTree(text).Stmts) as { Cmd?: Node }[]) {
        if (Cmd?.Type !== "FuncDecl") continue;
        const { Value: name } = Cmd.Name as { Value: string };
        functions.set(name, { name, body: Cmd.Body as Node, calls: callsIn(Cmd.Body, undefined) });
    }
    return functions;
}

function callsIn(value: unknown, hidden: Hidden | undefined): Call[] {
    if (typeof value !== "object" || value === null) return [];
    if (Array.isArray(value)) return value.flatMap((item) => callsIn(item, hidden));
    const node = value as Node;
    if (node.Negated) return callsIn({ ...node, Negated: false }, "a condition");
    if (node.Background) return callsIn({ ...node, Background: false }, "the background");
    const all = (here: Hidden | undefined) => Object.values(node).flatMap((field) => callsIn(field, here));
    switch (node.Type) {
        case "CmdSubst":
            return all("$(…)");
        case "ProcSubst":
            return all("<(…)");
        case "Subshell":
            return all("a subshell");
        case "BinaryCmd":
            if (node.Op === OPERATORS["|"]) return all("a pipe");
            return [...callsIn(node.X, "a condition"), ...callsIn(node.Y, hidden)];
        case "CallExpr":
            return [...called(node, hidden), ...all(hidden)];
    }
    if (!node.Cond) return all(hidden);
    const { Cond, ...rest } = node;
    return [...callsIn(Cond, "a condition"), ...callsIn(Object.values(rest), hidden)];
}

/** The command of a call, and the one that it is given to run. What on_failure is given runs by itself, and is looked at. */
function called(call: Node, hidden: Hidden | undefined): Call[] {
    const line = lineOf(call);
    const [name = "", first = "", second = ""] = words(call);
    const calls: Call[] = [{ name, line, hidden }];
    if (name === "apply") calls.push({ name: first, line, hidden });
    if (name === "on_failure") calls.push({ name: first, line, hidden: undefined });
    if (name === "wait_until") calls.push({ name: second, line, hidden: "a condition" });
    return calls;
}

/** A node and all below it. */
function descendants(value: unknown): Node[] {
    if (typeof value !== "object" || value === null) return [];
    const below = Object.values(value).flatMap(descendants);
    return Array.isArray(value) ? below : [value as Node, ...below];
}

/** The first command of a $(…). */
function commandOf(substitution: Node): string | undefined {
    const [stmt] = nodes(substitution.Stmts);
    return stmt?.Cmd ? words(stmt.Cmd as Node)[0] : undefined;
}

/** The words of a command; undefined for one that is no plain text. */
function words(call: Node): (string | undefined)[] {
    return nodes(call.Args).map((word) => {
        const [part, ...more] = nodes(word.Parts);
        return part?.Type === "Lit" && more.length === 0 ? (part.Value as string) : undefined;
    });
}

const nodes = (field: unknown) => (field ?? []) as Node[];
const lineOf = (node: Node) => ((node.Pos ?? {}) as { Line?: number }).Line ?? 0;

function syntaxTree(text: string): Node {
    return JSON.parse(shfmt(text, "--to-json")) as Node;
}

/** What shfmt prints about a text. */
export function shfmt(text: string, ...flags: string[]): string {
    return execFileSync("shfmt", flags, { input: text, encoding: "utf8", maxBuffer: 1 << 28 });
}

/** shfmt has numbers for operators, which differ between its versions. */
const OPERATORS = {
    "&&": operatorIn("a && b"),
    "||": operatorIn("a || b"),
    "|": operatorIn("a | b"),
    ":-": operatorIn(": ${a:-b}"),
};

function operatorIn(text: string): unknown {
    return descendants(syntaxTree(text)).find((node) => typeof node.Op === "number")?.Op;
}
