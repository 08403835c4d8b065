import Module from "node:module";

/**
 * Packages that Pulumi's SDK loads with itself, and uses only to serialize functions into resources. That takes longer than
 * the rest of the SDK.
 */
const LAZY = new Set(["typescript", "@npmcli/arborist"]);

type Load = (this: unknown, request: string, parent: { filename?: string } | undefined, isMain: boolean) => object;

/** Makes the SDK load these packages when it first uses them. Affects only what is loaded afterwards. */
export function loadLazily(): void {
    const loader = Module as unknown as { _load: Load };
    const load = loader._load;
    loader._load = function (request, parent, isMain) {
        const loadNow = () => load.call(this, request, parent, isMain);
        const bySdk = parent?.filename?.includes("/@pulumi/pulumi/");
        return bySdk && LAZY.has(request) ? whenUsed(loadNow) : loadNow();
    };
}

function whenUsed(loadNow: () => object): object {
    return new Proxy(
        {},
        {
            // What TypeScript's helper for imports asks; after another answer it copies every property.
            get: (_, key) => (key === "__esModule" ? true : (Reflect.get(loadNow(), key) as unknown)),
            has: (_, key) => Reflect.has(loadNow(), key),
        },
    );
}
