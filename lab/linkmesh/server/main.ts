import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Authority, type SubjectNames } from "./authority.ts";
import { openConfigStore } from "./config-store.ts";
import { loadConfig, type Config } from "./config.ts";
import type { Database } from "./database.ts";
import { EXIT, Failure, systemReason } from "./failure.ts";
import { log } from "./log.ts";
import { openDatabase } from "./open-database.ts";
import { ENVIRONMENT_FILE, serverSecret } from "./secret.ts";
import { certificateStore, parseSubjectName, reissueServerCertificate } from "./server-certificate.ts";
import { serve, serviceTokenFile } from "./serve.ts";
import { VERSION } from "./version.ts";

const USAGE = `linkmesh-server ${VERSION}: STAND-IN for tests, not LinkMesh

  linkmesh-server [serve]                       run the server
  linkmesh-server cert init --san dns:HOST ...  issue the gRPC certificate anew, with more names (service stopped)
  linkmesh-server token                         print the service account token for tests
  linkmesh-server version                       print the version

  --config FILE     default /etc/linkmesh/config.yaml
  --environment-file FILE
                    where LINKMESH_SECRET, LINKMESH_MONGODB_URI and LINKMESH_GIT_TOKEN are read from when the environment
                    lacks them, default ${ENVIRONMENT_FILE}
`;

function parse(args: string[]) {
    try {
        return parseArgs({
            args,
            allowPositionals: true,
            options: {
                config: { type: "string", default: "/etc/linkmesh/config.yaml" },
                "environment-file": { type: "string", default: ENVIRONMENT_FILE },
                san: { type: "string", multiple: true, default: [] },
                help: { type: "boolean", short: "h", default: false },
            },
        });
    } catch (error) {
        throw new Failure(
            `${(error as Error).message.split(". ")[0]} (linkmesh-server --help lists the options)`,
            EXIT.usage,
        );
    }
}

async function certInit(config: Config, database: Database, secret: string, wanted: SubjectNames[]): Promise<void> {
    try {
        const authority = await Authority.open(database, secret);
        const store = certificateStore(config, database, secret);
        const names = await reissueServerCertificate(store, authority, wanted);
        log.info(`issued ${store.name} for ${[...names.dns, ...names.ip].join(", ")}`);
    } finally {
        await database.close();
    }
}

function printToken(config: Config): void {
    const file = serviceTokenFile(config.boltPath);
    try {
        process.stdout.write(readFileSync(file, "utf8"));
    } catch (error) {
        throw new Failure(`cannot read ${file}: ${systemReason(error)}; the server writes it when it starts`);
    }
}

async function run(args: string[]): Promise<void> {
    const { values, positionals } = parse(args);
    const command = positionals.join(" ") || "serve";
    if (values.help) return void process.stdout.write(USAGE);
    if (command === "version") return void process.stdout.write(`${VERSION}\n`);
    if (!["serve", "cert init", "token"].includes(command))
        throw new Failure(`unknown command "${command}" (linkmesh-server --help lists the commands)`, EXIT.usage);
    if (values.san.length > 0 && command !== "cert init") throw new Failure("--san belongs to cert init", EXIT.usage);

    const { config, warnings } = loadConfig(values.config);
    if (command === "token") return printToken(config);
    for (const warning of warnings) log.warn(warning);
    const wanted = values.san.map(parseSubjectName);
    const secret = serverSecret(values["environment-file"]);
    const database = await openDatabase(config, values["environment-file"]);
    if (command === "cert init") return certInit(config, database, secret, wanted);
    return serve(config, database, await openConfigStore(config, values["environment-file"]), secret);
}

run(process.argv.slice(2)).catch((error: unknown) => {
    if (!(error instanceof Failure)) throw error;
    process.stderr.write(`linkmesh-server: ${error.message}\n`);
    process.exit(error.exitCode);
});
