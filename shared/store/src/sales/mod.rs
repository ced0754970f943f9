//! Stock, payments, tickets, points.
