// The calendar page.
import "fullcalendar/skeleton.css";
import { Calendar } from "fullcalendar";

export { Calendar };
