import { LinkMeshProxy, loadSettings, lookUp } from "./components/index.ts";

const settings = loadSettings();
const lookups = await lookUp("linkmesh", settings);

export default new LinkMeshProxy("linkmesh", { settings, lookups }).outputs;
