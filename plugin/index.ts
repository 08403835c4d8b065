// What Pulumi's analyzer reads in place of index.js: it makes the package's schema from the types.
export { LinkMesh } from "../components/linkmesh.ts";
