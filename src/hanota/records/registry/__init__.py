"""Parties and certificates, premises and devices, the Certified Product List, and who is eligible for what."""
