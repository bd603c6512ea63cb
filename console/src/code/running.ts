import { createContext } from "react";

/** Whether the text around is that of an answer which still runs. */
export const Running = createContext(false);
