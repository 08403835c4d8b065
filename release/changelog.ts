/** What the changelog or a tag lacks: one sentence. */
export class ReleaseError extends Error {
    override name = "ReleaseError";
}

const UNRELEASED = "## Unreleased";

/** The changelog with what is unreleased under a version. Pure. */
export function closed(changelog: string, version: string, date: string): string {
    if (sectionOf(changelog, UNRELEASED) === "") {
        throw new ReleaseError("CHANGELOG.md has nothing under Unreleased: say there what the release brings.");
    }
    return changelog.replace(`${UNRELEASED}\n`, `${UNRELEASED}\n\n## ${version} - ${date}\n`);
}

/** The release notes of a tag. Pure. */
export function notesOf(changelog: string, tag: string, version: string): string {
    if (tag !== `v${version}`) {
        throw new ReleaseError(
            `the tag ${tag} is not v${version}, the version of package.json: \`npm run release\` makes both.`,
        );
    }
    const heading = changelog.split("\n").find((line) => line.startsWith(`## ${version} - `));
    const notes = heading === undefined ? "" : sectionOf(changelog, heading);
    if (notes === "") {
        throw new ReleaseError(
            `CHANGELOG.md has no section ${version}: \`npm run release\` makes it of what is under Unreleased.`,
        );
    }
    return `${notes}\n`;
}

/** The text from a heading to the next of its kind. */
function sectionOf(changelog: string, heading: string): string {
    const start = `\n${changelog}`.indexOf(`\n${heading}\n`);
    if (start < 0) return "";
    const [section = ""] = changelog.slice(start + heading.length + 1).split(/^## /m);
    return section.trim();
}
