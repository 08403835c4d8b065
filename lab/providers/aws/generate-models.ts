import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { unzipSync } from "fflate";
import { format, resolveConfig } from "prettier";
import type { Constraint, Models, Service } from "./constraint.ts";
import type { ModelRef } from "./models.ts";
import { modelRefs } from "./schema.ts";
import { RESOURCE_TYPES } from "./types.ts";

/** Writes models.generated.ts: the published constraints of the members that the lab's schemas refer to. */

/** The Python package with the models. To update it, change version and hash (pip prints it); then `npm run models`. */
const PACKAGE = "botocore==1.44.8 --hash=sha256:76342a76c338701db80dcb8afe1c9bd079283d6fffbb9d881442abb02a215043";
const VERSIONS: Record<Service, string> = {
    ec2: "2016-11-15",
    iam: "2010-05-08",
    dlm: "2018-01-12",
    route53: "2013-04-01",
    cloudwatch: "2010-08-01",
    sns: "2010-03-31",
    elbv2: "2015-12-01",
    acm: "2015-12-08",
};

interface Shape {
    type: string;
    enum?: string[];
    min?: number;
    max?: number;
    pattern?: string;
    required?: string[];
    members?: Record<string, { shape: string }>;
    member?: { shape: string };
    key?: { shape: string };
    value?: { shape: string };
}

interface ServiceModel {
    operations: Record<string, { input: { shape: string } }>;
    shapes: Record<string, Shape>;
}

function fetchModels(): Record<Service, ServiceModel> {
    const dir = mkdtempSync(join(tmpdir(), "linkmesh-models-"));
    try {
        const requirements = join(dir, "requirements.txt");
        writeFileSync(requirements, `${PACKAGE}\n`);
        const options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--quiet", "--dest", dir];
        execFileSync("pip", ["download", ...options, "--requirement", requirements], { stdio: "inherit" });
        const wheel = readdirSync(dir).find((name) => name.endsWith(".whl"))!;
        const path = (service: Service) => `botocore/data/${service}/${VERSIONS[service]}/service-2.json.gz`;
        const services = Object.keys(VERSIONS) as Service[];
        const wanted = services.map(path);
        const files = unzipSync(readFileSync(join(dir, wheel)), { filter: ({ name }) => wanted.includes(name) });
        const read = (service: Service) =>
            JSON.parse(gunzipSync(files[path(service)]!).toString("utf8")) as ServiceModel;
        return Object.fromEntries(services.map((service) => [service, read(service)])) as Record<Service, ServiceModel>;
    } finally {
        rmSync(dir, { recursive: true });
    }
}

function find({ operations, shapes }: ServiceModel, { operation, member }: ModelRef): Constraint {
    let shape = shapes[operations[operation]!.input.shape]!;
    let isRequired = false;
    for (const name of member.split(".")) {
        while (shape.type === "list" && name !== "member") shape = shapes[shape.member!.shape]!;
        const next = name === "member" ? shape.member : shape.members?.[name];
        if (!next) throw new Error(`${operation} has no ${member}`);
        isRequired = shape.required?.includes(name) === true;
        shape = shapes[next.shape]!;
    }
    return { ...constraint(shapes, shape), ...(isRequired && { required: true }) };
}

function constraint(shapes: ServiceModel["shapes"], { type, min, max, pattern, ...shape }: Shape): Constraint {
    const item = shapes[shape.member?.shape ?? ""];
    // Tags are a map in some services and a list of pairs in others.
    const key = shapes[(shape.key ?? item?.members?.Key)?.shape ?? ""];
    const value = shapes[(shape.value ?? item?.members?.Value)?.shape ?? ""];
    return {
        ...(shape.enum && { enum: shape.enum }),
        ...(min !== undefined && { min }),
        ...(max !== undefined && { max }),
        ...(pattern !== undefined && !isAnything(pattern) && { pattern }),
        ...(key && value
            ? { key: constraint(shapes, key), value: constraint(shapes, value) }
            : type === "list" && { item: constraint(shapes, item!) }),
    };
}

/** Whether a Java pattern matches any text. All other patterns must be valid in JavaScript too. */
function isAnything(pattern: string): boolean {
    if (pattern.includes("\\p{all}")) return true;
    new RegExp(pattern, "u");
    return false;
}

const published = fetchModels();
const models: Models = { ec2: {}, iam: {}, dlm: {}, route53: {}, cloudwatch: {}, sns: {}, elbv2: {}, acm: {} };
for (const ref of Object.values(RESOURCE_TYPES).flatMap(({ inputs }) => modelRefs(inputs))) {
    models[ref.service][`${ref.operation}.${ref.member}`] = find(published[ref.service], ref);
}
const file = fileURLToPath(new URL("models.generated.ts", import.meta.url));
const [name] = PACKAGE.split(" ");
const text = `import type { Models } from "./constraint.ts";

/** Of ${name}, by \`npm run models\`. */
export const MODELS: Models = ${JSON.stringify(models)};
`;
writeFileSync(file, await format(text, { ...(await resolveConfig(file)), parser: "typescript" }));
