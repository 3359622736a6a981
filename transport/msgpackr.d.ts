// The part of msgpackr without native code. The declarations that the package names for this path lead nowhere.
declare module "msgpackr/pack" {
  export { Packr } from "msgpackr";
}
