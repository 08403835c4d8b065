import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Ui } from "../../lab/ui.ts";

let text: string;
const stream = { isTTY: false, write: (chunk: string) => (text += chunk) } as unknown as NodeJS.WriteStream;

beforeEach(() => {
    text = "";
    vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

it("prints one ticked line for each stage and keeps its seconds", async () => {
    const ui = new Ui({ stream });
    const result = ui.stage("engine", async (progress) => {
        progress("compiling");
        await vi.advanceTimersByTimeAsync(1500);
        return 7;
    });
    expect(await result).toBe(7);
    expect(text).toBe(" ✓ engine  1.5 s\n");
    expect(ui.stages).toEqual([{ name: "engine", seconds: 1.5 }]);
});

it("shows that a long stage is still running", async () => {
    const ui = new Ui({ stream });
    const stage = ui.begin("image");
    stage.progress("unpacking");
    await vi.advanceTimersByTimeAsync(31_000);
    stage.done();
    expect(text).toBe("   image: unpacking, 15.0 s\n   image: unpacking, 30.0 s\n ✓ image  31.0 s\n");
});

it("marks a stage that throws as failed, and rethrows the error", async () => {
    const ui = new Ui({ stream });
    await expect(ui.stage("image", () => Promise.reject(new Error("no space")))).rejects.toThrow("no space");
    expect(text).toContain("✗ image");
});

it("prints every phrase with verbose", () => {
    const ui = new Ui({ stream, verbose: true });
    const stage = ui.begin("image");
    stage.progress("one");
    stage.progress("two");
    stage.done(undefined, "new");
    expect(text).toBe("   image: one\n   image: two\n ✓ image: new  0.0 s\n");
});
