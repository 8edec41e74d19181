"""The quiz "Spot the fake": real or translated?"""
