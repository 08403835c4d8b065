import type { Config } from "./config.ts";
import { VERSION } from "./version.ts";

/** The page at /. */
export function page(config: Config): string {
    const escape = (text: string) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
    return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>linkmesh-server stand-in</title>
<style>body { font: 16px/1.5 sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }
strong { background: #fc0; padding: .2rem .5rem }</style>
<h1>linkmesh-server</h1>
<p><strong>STAND-IN for tests. This is not LinkMesh.</strong></p>
<p>It answers where LinkMesh answers, the way LinkMesh's public documentation describes, so that what stands in front
of LinkMesh can be tried without it.</p>
<dl>
<dt>Version</dt><dd>${escape(VERSION)}</dd>
<dt>externalUrl</dt><dd>${escape(config.externalUrl)}</dd>
<dt>grpc.externalUrl</dt><dd>${escape(config.grpcExternalUrl)}</dd>
</dl>
</html>
`;
}

/** The script that a collector host pipes into a shell. */
export function installScript(config: Config): string {
    const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
    return `#!/bin/sh
# STAND-IN for tests: prints where a collector would connect, installs nothing.
LINKMESH_URL=${quote(config.externalUrl)}
OPAMP_URL=${quote(opampUrl(config))}
echo "stand-in, nothing installed: collectors connect to $OPAMP_URL ($LINKMESH_URL)"
`;
}

export function opampUrl(config: Config): string {
    return `${config.externalUrl.replace(/^http/, "ws")}/v1/opamp`;
}
