"""The same small location problem in every public format, worked by hand.

Three sites and two customers. Capacities 10, 8.5 and 6, fixed costs 7, 5.25 and 0, demands 4 and 5.
Serving customer 1 costs 8, 2 or 6 from the three sites, customer 2 costs 5, 10 or 20.

Single source: customer 1 at site 3 (6) and customer 2 at site 1 (5) is 7 + 0 + 11 = 18. Site 1 for
both is 20; 1 for customer 2 and 2 for customer 1 is 12.25 + 7 = 19.25; 2 for customer 2 and 3 for
customer 1 is 5.25 + 16 = 21.25; no other site has room for both. So 18.

Split: sites 2 and 3 cost 5.25. Customer 1 costs 0.5 a unit at site 2 and 1.5 at site 3, customer 2
costs 2 and 4. Site 2 has 8.5 of the 9, and the half unit that site 3 must take costs 0.5 more if
customer 1 gives it, 1 more if customer 2 does: 5.25 + 2 + 10 + 0.5 = 17.75. With site 1 open, 18 is
the least: customer 2 is cheapest there, and customer 1 costs 6 at site 3, or 2 and 5.25 at site 2.

Without capacities: site 2 alone is 5.25 + 12 = 17.25; site 1 alone 20, site 3 alone 26.
"""

from __future__ import annotations

from pathlib import Path

#: The public sets, where a user keeps them.
DATA = Path(__file__).resolve().parents[2] / "shared" / "bench-data"

ORLIB = "3 2\n10 7\n 8.5 5.25\n 6 0.00\n4\n8. 2. 6.\n5\n5 10 20\n"
HOLMBERG = "3 2\n10 7 8.5 5.25 6 0\n 4 5\n8 5\n2 10\n6 20\n"
DELMAIRE = "2 3\n8 2 6\n5 10 20\n4 5\n7 5.25 0\n10 8.5 6\n"
PLC = "2\t3\n\n4\t5\t\n10\t8.5\t6\n7\t5.25\t0\n2\t1\n0.5\t2\n1.5\t4\n"
MFILE = "3 2\r\n0 7\r\n0 5.25\r\n0 0\r\n0\r\n8 2 6\r\n0\r\n5 10 20\r\n"
SIMPLE = "FILE: small.dat\n3 2 0\n1 7 8 5\n2 5.25 2 10\n3 0 6 20\n"

FILES = {
    "orlib": ORLIB,
    "holmberg": HOLMBERG,
    "delmaire": DELMAIRE,
    "plc": PLC,
    "mfile": MFILE,
    "ufllib": SIMPLE,
}
#: Optima by problem, in hundredths.
OPTIMA = {"SSCFLP": 1800, "CFLP": 1775, "UFL": 1725}
